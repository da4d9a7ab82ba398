import { spawn } from 'node:child_process';
import { EigenshardError, InputError, RunError } from '../errors.js';

/** End of a program. */
export interface ProgramEnd {
  /** Exit status; 128 where a signal ended it. */
  code: number;
  /** What it printed; empty where that was shown. */
  stdout: string;
}

/**
 * Starts a program, without a shell between, and waits for its end. What it says on stderr is shown.
 *
 * @param words its name and arguments
 * @param options.isShown whether what it prints goes where this process prints, at once
 * @param options.signal ends it, by SIGTERM
 * @throws InputError where there is no such program
 */
export async function startProgram(
  [program = '', ...args]: readonly string[],
  { isShown, signal }: { isShown: boolean; signal: AbortSignal },
): Promise<ProgramEnd> {
  const child = spawn(program, args, { stdio: ['ignore', isShown ? 'inherit' : 'pipe', 'inherit'] });
  let stdout = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  const end = () => void child.kill('SIGTERM');
  signal.addEventListener('abort', end);
  try {
    const code = await new Promise<number>((resolve, reject) => {
      child.on('error', (error) => reject(notStarted(program, error)));
      child.on('close', (status) => resolve(status ?? 128));
    });
    if (signal.aborted) throw new EigenshardError('interrupted', 'interrupted');
    return { code, stdout };
  } finally {
    signal.removeEventListener('abort', end);
  }
}

function notStarted(program: string, error: NodeJS.ErrnoException): EigenshardError {
  if (error.code === 'ENOENT') return new InputError(`${program} is not installed here`, { cause: error });
  return new RunError(`${program} cannot be started: ${error.message}`, { cause: error });
}
