import { statSync } from 'node:fs';
import path from 'node:path';
import { parseJson } from '../files/json.js';
import { readTextIfThere } from '../files/read-text.js';
import { parseHubReference } from '../hub/reference.js';
import { checkpointKind } from '../input/checkpoint-kind.js';
import { configNames } from '../input/model-config.js';
import { runAround } from '../output/part-of-run.js';
import { recordedKindOf, recordedKinds } from '../output/recorded-kinds.js';
import { holdsBegunRun, isOwnManifest, runFoldersIn } from '../output/run-folders.js';

/**
 * Says what to do with a word that stands in the place of a command and is something on this machine, or a name of the hub.
 *
 * @returns null for any other word, such as a mistyped command
 */
export function misplacedWord(word: string): string | null {
  if (word === 'version') return 'eigenshard --version prints the version.';
  const found = statOf(word);
  if (found === null) {
    if (parseHubReference(word) === null) return null;
    return `No such path is there. A model of that name on the hub is given as eigenshard --model ${word}`;
  }
  if (!found.isDirectory()) return ofFile(word);
  const kind = recordedKindOf(word);
  if (kind !== null) return ofFolder(word, recordedKinds[kind].what);
  if (checkpointKind(word) !== null) return ofCheckpoint(word);
  const run = runOf(word);
  if (run !== null) return ofRun(run);
  const runs = runFoldersIn(word);
  if (runs.length > 0)
    return `${word} is a folder of runs: eigenshard inspect ${word} lists them, eigenshard verify ${word} checks them.`;
  return `${word} is a directory, of neither a checkpoint nor a run; eigenshard --help shows how both are given.`;
}

function ofFile(file: string): string {
  const around = path.dirname(path.resolve(file));
  const run = runOf(file);
  if (run !== null) return ofRun(run);
  if (configNames.includes(path.basename(file))) return ofCheckpoint(around);
  if (file.endsWith('.json')) {
    return isBatch(file)
      ? `${file} configures a batch: eigenshard batch ${file} --dry-run shows what it would do, without --dry-run it is done.`
      : `${file} may configure a run: eigenshard --config ${file}`;
  }
  if (file.endsWith('.sql')) return `${file} may be a query: eigenshard sql RUN --file ${file}`;
  if (checkpointKind(file) !== null)
    return `${file} may be a checkpoint, eigenshard --model ${file}, or the metric of one, --metric ${file}.`;
  return `${file} is a file, which no command takes by itself; eigenshard --help shows what they take.`;
}

function ofCheckpoint(place: string): string {
  return (
    `${place} is a checkpoint: eigenshard --model ${place} computes a run of it, eigenshard inspect ${place} shows what it ` +
    'would take.'
  );
}

function ofRun(place: string): string {
  return (
    `${place} is the output directory of a run: eigenshard inspect ${place} shows it, verify checks it, top, sql and report ` +
    'ask it, export adds to it.'
  );
}

function ofFolder(place: string, what: string): string {
  return (
    `${place} holds ${what}: eigenshard inspect ${place} shows that again, verify checks its files, and sql asks its ` +
    'tables.'
  );
}

/** The run that a place is, or lies in. */
function runOf(place: string): string | null {
  const above = path.dirname(path.resolve(place));
  return [place, above].find((one) => isOwnManifest(one) || holdsBegunRun(one)) ?? runAround(place);
}

function isBatch(file: string): boolean {
  try {
    return Object.hasOwn(parseJson(readTextIfThere(file, 'the configuration') ?? '') ?? {}, 'runs');
  } catch {
    // The command that reads it says what is wrong.
    return false;
  }
}

function statOf(place: string) {
  try {
    return statSync(place, { throwIfNoEntry: false }) ?? null;
  } catch {
    return null;
  }
}
