import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { SignalAtRecord } from './signal-at-record.js';

/** Launcher of the checkout, in which this file, compiled, is dist/test/helpers/cli.js. */
const launcher = path.resolve(import.meta.dirname, '../../../coordinator.js');

/** End of a process, and what it printed. */
export interface Ended {
  /** Exit status; null where a signal ended it. */
  code: number | null;
  stdout: string;
  stderr: string;
}

/**
 * Starts `node coordinator.js ...args`.
 *
 * @param environment variables beside those of this process
 * @param input what it reads on its standard input
 */
export function start(
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
  input = '',
): { process: ChildProcess; ended: Promise<Ended> } {
  return startCommand(commandOf(args), environment, input);
}

/** The words of `node coordinator.js ...args`. */
export function commandOf(args: readonly string[]): string[] {
  return [process.execPath, launcher, ...args];
}

/**
 * Starts a command, as the words of one, with what it prints gathered.
 *
 * @param environment variables beside those of this process
 * @param input what it reads on its standard input
 */
export function startCommand(
  [program = '', ...args]: readonly string[],
  environment: Readonly<Record<string, string>> = {},
  input = '',
): { process: ChildProcess; ended: Promise<Ended> } {
  const child = spawn(program, args, {
    stdio: 'pipe',
    env: { ...process.env, ...environment },
  });
  // A program that does not read its input may be gone before it is there.
  child.stdin.on('error', () => {}).end(input);
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

/**
 * Starts `node coordinator.js ...args`, which sends itself a signal when a run has so many records of its units.
 * @param environment variables beside those of this process
 */
export function startUntilRecord(
  args: readonly string[],
  at: SignalAtRecord,
  environment: Readonly<Record<string, string>> = {},
): ReturnType<typeof start> {
  const given = environment.NODE_OPTIONS ?? process.env.NODE_OPTIONS ?? '';
  const place = mkdtempSync(path.join(tmpdir(), 'eigenshard-signal-'));
  const { NODE_OPTIONS, ...added } = signalAtRecord(at, path.join(place, 'sent'));
  const started = start(args, { ...environment, ...added, NODE_OPTIONS: `${given} ${NODE_OPTIONS}` });
  const ended = started.ended.finally(() => rmSync(place, { recursive: true, force: true }));
  return { ...started, ended };
}

/** Variables with which a process sends itself a signal at a record. @param sent path that is made when it is sent */
export function signalAtRecord(at: SignalAtRecord, sent: string) {
  const hook = new URL('signal-at-record.js', import.meta.url).href;
  return { NODE_OPTIONS: `--import ${hook}`, SIGNAL_AT_RECORD: JSON.stringify(at), SIGNAL_SENT: sent };
}

/** Runs `node coordinator.js ...args` to its end, or to the signal that it sends itself. */
export async function eigenshardUntilRecord(args: readonly string[], at: SignalAtRecord): Promise<Ended> {
  return startUntilRecord(args, at).ended;
}

/** Runs `node coordinator.js ...args` until it would give a file its name, by this absolute path, and kills it there. */
export async function eigenshardUntilRename(args: readonly string[], target: string): Promise<Ended> {
  const hook = new URL('kill-at-rename.js', import.meta.url).href;
  const options = `${process.env.NODE_OPTIONS ?? ''} --import ${hook}`;
  return start(args, { NODE_OPTIONS: options, KILL_AT_RENAME: target }).ended;
}
