import { spawnSync } from 'node:child_process';
import { testUnless } from './test-unless.js';

/** Declares a test that calls `runPython`. */
export const pythonTest = testUnless(whyMissing());

/**
 * Runs a Python script that may import NumPy, with `args` as sys.argv[1:].
 *
 * @returns what it prints, parsed as JSON
 */
export function runPython(script: string, args: readonly string[]): unknown {
  const { status, stdout, stderr } = spawnSync('python3', ['-c', script, ...args], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`python3 ended with ${status}:\n${stderr}`);
  return JSON.parse(stdout);
}

function whyMissing(): string | null {
  const { error, status } = spawnSync('python3', ['-c', 'import numpy']);
  if (error !== undefined) return `python3 cannot be started (${error.message})`;
  return status === 0 ? null : 'python3 has no NumPy';
}
