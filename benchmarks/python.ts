import { spawnSync } from 'node:child_process';

/**
 * Interpreters to try: Debian's own has what apt installs, such as python3-torch, also where another one comes first.
 */
const INTERPRETERS = ['python3', '/usr/bin/python3'];

/** First interpreter that can import `library`, or null, after saying so. */
export function pythonWith(library: string): string | null {
  const interpreter = INTERPRETERS.find(
    (command) => spawnSync(command, ['-c', `import ${library}`]).status === 0,
  );
  if (interpreter === undefined) process.stderr.write(`${library}: not installed, left out\n`);
  return interpreter ?? null;
}

/** Environment in which OpenBLAS, MKL and PyTorch use `threads` threads. Debian's PyTorch takes one otherwise. */
export function environmentOf(threads: number): NodeJS.ProcessEnv {
  return { ...process.env, OMP_NUM_THREADS: String(threads) };
}
