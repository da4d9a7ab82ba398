// Bundles the scripts of the report and of comparisons, src/report/client, to dist/src/report/client.js and comparison.js,
// and the style that both have, to client.css.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { build } from 'esbuild';

const root = path.resolve(import.meta.dirname, '..');
const licence = readFileSync(path.join(root, 'node_modules/uplot/LICENSE'), 'utf8').trim();

await build({
  absWorkingDir: root,
  entryPoints: [
    { in: 'src/report/client/main.ts', out: 'client' },
    { in: 'src/report/client/comparison/main.ts', out: 'comparison' },
    { in: 'src/report/client/style.css', out: 'client' },
  ],
  outdir: 'dist/src/report',
  bundle: true,
  // A classic script, which a page from the disk may hold; its text must not end the element that holds it.
  format: 'iife',
  target: 'es2022',
  minify: true,
  charset: 'ascii',
  banner: { js: `/* uPlot: ${licence} */` },
  logLevel: 'warning',
});
