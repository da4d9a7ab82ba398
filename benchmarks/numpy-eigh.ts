import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { EigenpairErrors } from './eigenpair-errors.js';
import { environmentOf, pythonWith } from './python.js';

/** NumPy process for all matrices, which times and checks by itself. */
export interface NumpyEigh {
  description: string;
  decompose(matrix: Float64Array, n: number): Promise<EigenpairErrors & { seconds: number }>;
  close(): void;
}

/** Starts a NumPy process. @returns null where no interpreter has NumPy */
export async function startNumpy(threads: number): Promise<NumpyEigh | null> {
  const interpreter = pythonWith('numpy');
  if (interpreter === null) return null;
  const script = path.resolve(import.meta.dirname, '../../benchmarks/numpy-eigh.py');
  const child = spawn(interpreter, [script], {
    env: environmentOf(threads),
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const scratch = mkdtempSync(path.join(tmpdir(), 'eigenshard-numpy-'));
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  const reply = async () => {
    const { value, done } = await lines.next();
    if (done) throw new Error('the NumPy process has ended');
    return JSON.parse(value);
  };
  const { version, blas } = await reply();

  let held: Float64Array | null = null;
  let file = '';
  let files = 0;
  return {
    description: `NumPy ${version} with ${blas}, ${threads} threads`,
    decompose: async (matrix, n) => {
      if (matrix !== held) {
        rmSync(file, { force: true });
        file = path.join(scratch, `${files++}.float64`);
        writeFileSync(file, matrix);
        held = matrix;
      }
      child.stdin.write(`${JSON.stringify({ file, n })}\n`);
      return reply();
    },
    close: () => {
      child.stdin.end();
      rmSync(scratch, { recursive: true });
    },
  };
}
