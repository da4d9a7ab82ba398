import { lstatSync, mkdirSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { EigenshardError, InputError } from '../errors.js';
import { readShortFile } from './read-text.js';
import { asOutputError } from './write-error.js';

/** What a process saw of the files of another one, on another machine. */
export interface Meeting {
  /** Host name of the other one. */
  other: string;
  /** Time until a new file of the other one is seen: half of the way there and back. */
  medianSeconds: number;
  longestSeconds: number;
}

/** Limits of a meeting. */
export interface MeetingContext {
  signal: AbortSignal;
  /** Seconds to wait for the other one, and for each of its files. */
  patienceSeconds: number;
}

/** Files that go there and back, after a first one with which the two find each other. */
const ROUNDS = 10;
const POLL_MILLISECONDS = 2;
const TOKEN = /^[A-Za-z0-9_-]{1,64}$/;

/**
 * Measures how soon this process sees new files of another one that meets it in the same directory. The first to come
 * makes the folder of the token, and files that the other one answers with files; no clock of one is compared with that
 * of the other. The first removes all of it again.
 *
 * @param token tells this pair of processes from others: letters, digits, - and _
 * @throws InputError where the token is none, or is another pair's, and where nobody comes
 */
export async function meetAt(directory: string, token: string, context: MeetingContext): Promise<Meeting> {
  if (!TOKEN.test(token)) {
    throw new InputError(
      `${JSON.stringify(token)}: is no token; give both machines the same 1 to 64 letters, digits, - or _`,
    );
  }
  const folder = path.join(directory, `.eigenshard-doctor-of-${token}`);
  return isFirst(folder) ? meetAsFirst(folder, context) : meetAsSecond(folder, context);
}

function isFirst(folder: string): boolean {
  try {
    mkdirSync(folder);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw asOutputError(error, folder);
  }
  // A link in its place would lead out of the directory.
  if (lstatSync(folder, { throwIfNoEntry: false })?.isDirectory() === false) throw inUse(folder);
  return false;
}

async function meetAsFirst(folder: string, context: MeetingContext): Promise<Meeting> {
  const seconds: number[] = [];
  try {
    for (let round = 0; round <= ROUNDS; round++) {
      const begun = performance.now();
      publish(pingOf(folder, round));
      await seen(pongOf(folder, round), context);
      if (round > 0) seconds.push((performance.now() - begun) / 2000);
    }
    return meetingOf(hostIn(pongOf(folder, 0)), seconds);
  } finally {
    leave(folder, [pingOf, pongOf]);
  }
}

async function meetAsSecond(folder: string, context: MeetingContext): Promise<Meeting> {
  const seconds: number[] = [];
  let other = '';
  try {
    let begun = 0;
    for (let round = 0; round <= ROUNDS; round++) {
      await seen(pingOf(folder, round), context);
      if (round > 0) seconds.push((performance.now() - begun) / 2000);
      if (round === ROUNDS) other = hostIn(pingOf(folder, 0));
      begun = performance.now();
      publish(pongOf(folder, round));
    }
  } catch (error) {
    // The first one no longer counts on these.
    leave(folder, [pongOf]);
    throw error;
  }
  return meetingOf(other, seconds);
}

type NameOf = (folder: string, round: number) => string;
const pingOf: NameOf = (folder, round) => path.join(folder, `ping-${round}`);
const pongOf: NameOf = (folder, round) => path.join(folder, `pong-${round}`);

function publish(file: string): void {
  try {
    writeFileSync(file, hostname(), { flag: 'wx' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') throw inUse(path.dirname(file));
    throw asOutputError(error, file);
  }
}

async function seen(file: string, { signal, patienceSeconds }: MeetingContext): Promise<void> {
  const begun = performance.now();
  while (lstatSync(file, { throwIfNoEntry: false }) === undefined) {
    if (signal.aborted) throw new EigenshardError('interrupted', 'interrupted');
    if (performance.now() - begun > patienceSeconds * 1000) throw nobody(path.dirname(file), patienceSeconds);
    await delay(POLL_MILLISECONDS);
  }
}

function meetingOf(other: string, seconds: readonly number[]): Meeting {
  const sorted = seconds.toSorted((a, b) => a - b);
  return { other, medianSeconds: sorted[sorted.length >> 1]!, longestSeconds: sorted.at(-1)! };
}

function hostIn(file: string): string {
  return readShortFile(file, 'the name of the other machine').toString('utf8').slice(0, 255);
}

function leave(folder: string, names: readonly NameOf[]): void {
  for (const nameOf of names) {
    for (let round = 0; round <= ROUNDS; round++) rmSync(nameOf(folder, round), { force: true });
  }
  try {
    rmdirSync(folder);
  } catch {
    // The other one has files in it, and removes them and the folder.
  }
}

function inUse(folder: string): InputError {
  return new InputError(
    `${folder}: is of another pair of machines, or was left over by one that was killed; give both another token`,
  );
}

function nobody(folder: string, seconds: number): InputError {
  return new InputError(
    `${path.dirname(folder)}: no answer of another machine is seen within ${seconds} s; start the same command with the ` +
      'same token on both at about the same time. If that was done, they do not see the same files here',
  );
}
