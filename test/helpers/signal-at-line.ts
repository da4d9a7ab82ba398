// Loaded into a child process before the program, by `eigenshardUntilLine`: the process sends itself a signal as soon as a
// line of a journal is on the disk. A signal from outside would come at a moment that depends on the machine.
import fs, { type PathLike } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import path from 'node:path';

/** The folder's name begins with `folder`; its journal has `lines` lines then. */
export interface SignalAtLine {
  folder: string;
  lines: number;
  signal: NodeJS.Signals;
}

const { folder, lines, signal }: SignalAtLine = JSON.parse(process.env.SIGNAL_AT_LINE!);
const { openSync, fsyncSync } = fs;
let journal: number | null = null;
let written = 0;

Object.assign(fs, {
  openSync(file: PathLike, ...rest: [string, number?]) {
    const descriptor = openSync(file, ...rest);
    const { base, dir } = path.parse(String(file));
    if (base === 'journal.jsonl' && path.basename(dir).startsWith(folder)) journal = descriptor;
    return descriptor;
  },
  // The journal is synced after each line.
  fsyncSync(descriptor: number) {
    fsyncSync(descriptor);
    if (descriptor === journal && ++written === lines) process.kill(process.pid, signal);
  },
});
syncBuiltinESMExports();
