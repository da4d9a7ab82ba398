// Compiles every AssemblyScript kernel, src/linalg/assembly/NAME.ts, to dist/src/linalg/assembly/NAME.wasm. A kernel
// that multiplies and adds by `madd` is compiled once more with relaxed SIMD, to NAME.relaxed.wasm.
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import asc from 'assemblyscript/asc';

const root = path.resolve(import.meta.dirname, '..');
const sources = 'src/linalg/assembly';
const outputs = 'dist/src/linalg/assembly';
mkdirSync(path.join(root, outputs), { recursive: true });

for (const file of readdirSync(path.join(root, sources)).filter((name) => name.endsWith('.ts'))) {
  const source = path.join(sources, file);
  await compile(source, '.wasm', []);
  if (readFileSync(path.join(root, source), 'utf8').includes('madd(')) {
    await compile(source, '.relaxed.wasm', ['--enable', 'relaxed-simd']);
  }
}

/** Compiles the kernel `source` to a file named after it with `extension`. */
async function compile(source, extension, options) {
  const { error, stderr } = await asc.main([
    source,
    ...['--outFile', path.join(outputs, path.basename(source, '.ts') + extension)],
    ...['--baseDir', root, '--runtime', 'stub', '--noAssert', '-O3', '--enable', 'simd'],
    ...['--importMemory', ...options],
  ]);
  if (error) {
    process.stderr.write(`${source}: ${error.message}\n${stderr.toString()}`);
    process.exitCode = 1;
  }
}
