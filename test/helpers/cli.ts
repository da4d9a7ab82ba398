import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** Launcher of the checkout, in which this file, compiled, is dist/test/helpers/cli.js. */
const launcher = path.resolve(import.meta.dirname, '../../../coordinator.js');

/** End of a process, and what it printed. */
export interface Ended {
  /** Exit status; null where a signal ended it. */
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

/** Waits until the run in `directory` has written `lines` lines of its journal, or the process has ended. */
export async function journalReaches(directory: string, lines: number, ended: Promise<Ended>): Promise<void> {
  const file = path.join(directory, 'journal.jsonl');
  let over = false;
  void ended.then(() => {
    over = true;
  });
  while (!over) {
    if (existsSync(file) && readFileSync(file, 'utf8').split('\n').length > lines) return;
    await delay(1);
  }
}
