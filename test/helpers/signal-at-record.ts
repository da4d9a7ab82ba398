// Loaded into a child process, and into each of its threads, before the program, by `eigenshardUntilRecord`: the process
// sends itself a signal as soon as so many records of units stand in a run's directory. A signal from outside would come
// at a moment that depends on the machine.
import fs, { type PathLike } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import path from 'node:path';
import type { StageName } from '../../src/plan/stages.js';

/** The folder's name begins with `folder`; so many records lie there then, of all stages or of one. */
export interface SignalAtRecord {
  folder: string;
  stage?: StageName;
  records: number;
  signal: NodeJS.Signals;
}

const { folder, stage, records, signal }: SignalAtRecord = JSON.parse(process.env.SIGNAL_AT_RECORD!);
const { linkSync, mkdirSync, readdirSync, renameSync } = fs;
/** Whoever makes it, of the threads that see enough records, sends the signal. */
const sent = process.env.SIGNAL_SENT!;

Object.assign(fs, {
  // A record appears under its name by a link, or by a rename where there are no links.
  linkSync(from: PathLike, to: PathLike) {
    linkSync(from, to);
    appeared(String(to));
  },
  renameSync(from: PathLike, to: PathLike) {
    renameSync(from, to);
    appeared(String(to));
  },
});
syncBuiltinESMExports();

function appeared(file: string): void {
  const ofStage = path.dirname(file);
  const done = path.dirname(ofStage);
  if (path.basename(done) !== 'done' || !path.basename(path.dirname(done)).startsWith(folder)) return;
  if (stage !== undefined && path.basename(ofStage) !== stage) return;
  if (recordsIn(stage === undefined ? done : ofStage) >= records && isFirst())
    process.kill(process.pid, signal);
}

function recordsIn(place: string): number {
  return readdirSync(place, { recursive: true, encoding: 'utf8' }).filter((name) =>
    /^(?:.+[\\/])?\d{5,}\.json$/.test(name),
  ).length;
}

function isFirst(): boolean {
  try {
    mkdirSync(sent);
    return true;
  } catch {
    return false;
  }
}
