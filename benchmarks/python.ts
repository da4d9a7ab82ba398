import { spawnSync } from 'node:child_process';

/** Debian's own interpreter has what apt installs, such as python3-torch, also where another one comes first. */
const INTERPRETERS = ['python3', '/usr/bin/python3'];

/** The first interpreter that can import `library`, or null, after saying so. */
export function pythonWith(library: string): string | null {
  const interpreter = INTERPRETERS.find(
    (command) => spawnSync(command, ['-c', `import ${library}`]).status === 0,
  );
  if (interpreter === undefined) process.stderr.write(`${library}: not installed, left out\n`);
  return interpreter ?? null;
}

/** The environment in which OpenBLAS, MKL and PyTorch use `threads` threads. Debian's PyTorch takes one otherwise. */
export function environmentOf(threads: number): NodeJS.ProcessEnv {
  return { ...process.env, OMP_NUM_THREADS: String(threads) };
}
