// Bundles the scripts and the style of pages, src/report/client, to dist/src/report: client.js of the report, comparison.js
// of comparisons, series.js of series, theme.js of the others, and client.css of all.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { build } from 'esbuild';

const root = path.resolve(import.meta.dirname, '..');
const licence = readFileSync(path.join(root, 'node_modules/uplot/LICENSE'), 'utf8').trim();

const settings = {
  absWorkingDir: root,
  outdir: 'dist/src/report',
  bundle: true,
  // A classic script, which a page from the disk may hold; its text must not end the element that holds it.
  format: 'iife',
  target: 'es2022',
  minify: true,
  charset: 'ascii',
  logLevel: 'warning',
};

await build({
  ...settings,
  entryPoints: [
    { in: 'src/report/client/main.ts', out: 'client' },
    { in: 'src/report/client/comparison/main.ts', out: 'comparison' },
    { in: 'src/report/client/series/main.ts', out: 'series' },
    { in: 'src/report/client/style.css', out: 'client' },
  ],
  banner: { js: `/* uPlot: ${licence} */` },
});
await build({ ...settings, entryPoints: [{ in: 'src/report/client/theme-main.ts', out: 'theme' }] });
