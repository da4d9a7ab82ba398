// Compiles every AssemblyScript kernel, src/linalg/kernels/NAME.ts, to dist/src/linalg/kernels/NAME.wasm.
import { mkdirSync, readdirSync } from 'node:fs';
import path from 'node:path';
import asc from 'assemblyscript/asc';

const root = path.resolve(import.meta.dirname, '..');
const sources = 'src/linalg/kernels';
const outputs = 'dist/src/linalg/kernels';
mkdirSync(path.join(root, outputs), { recursive: true });

for (const file of readdirSync(path.join(root, sources)).filter((name) => name.endsWith('.ts'))) {
  const { error, stderr } = await asc.main([
    path.join(sources, file),
    ...['--outFile', path.join(outputs, file.replace(/\.ts$/, '.wasm'))],
    ...['--baseDir', root, '--runtime', 'stub', '--noAssert', '-O3', '--enable', 'simd'],
    '--importMemory',
  ]);
  if (error) {
    process.stderr.write(`${file}: ${error.message}\n${stderr.toString()}`);
    process.exitCode = 1;
  }
}
