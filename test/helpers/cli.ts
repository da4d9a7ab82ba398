import { type ChildProcess, spawn } from 'node:child_process';
import path from 'node:path';
import type { SignalAtLine } from './signal-at-line.js';

/** Compiled, this file is dist/test/helpers/cli.js of the checkout. */
const launcher = path.resolve(import.meta.dirname, '../../../coordinator.js');

export interface Ended {
  /** null where a signal ended it. */
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Starts `node coordinator.js ...args`, with these variables beside those of this process. */
export function start(
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): { process: ChildProcess; ended: Promise<Ended> } {
  const child = spawn(process.execPath, [launcher, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...environment },
  });
  const output = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream].setEncoding('utf8').on('data', (text: string) => {
      output[stream] += text;
    });
  }
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on('error', reject).on('close', (code) => resolve({ code, ...output }));
  });
  return { process: child, ended };
}

/** Runs `node coordinator.js ...args` to its end. */
export async function eigenshard(...args: readonly string[]): Promise<Ended> {
  return start(args).ended;
}

/** Starts `node coordinator.js ...args`, which sends itself a signal when a journal has so many lines. */
export function startUntilLine(
  args: readonly string[],
  at: SignalAtLine,
  environment: Readonly<Record<string, string>> = {},
): ReturnType<typeof start> {
  const hook = new URL('signal-at-line.js', import.meta.url).href;
  const options = `${environment.NODE_OPTIONS ?? process.env.NODE_OPTIONS ?? ''} --import ${hook}`;
  return start(args, { ...environment, NODE_OPTIONS: options, SIGNAL_AT_LINE: JSON.stringify(at) });
}

/** Runs `node coordinator.js ...args` to its end, or to the signal that it sends itself at a line of a journal. */
export async function eigenshardUntilLine(args: readonly string[], at: SignalAtLine): Promise<Ended> {
  return startUntilLine(args, at).ended;
}
