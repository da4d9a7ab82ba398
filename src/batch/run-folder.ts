import { createHash } from 'node:crypto';
import type { BatchRunOptions } from './batch-config.js';

/** Characters of the model's name: with revision and hash, well below the 255 bytes that file systems allow. */
const MAX_NAME_LENGTH = 100;

/** Hexadecimal digits of a revision, as git shows it. */
const REVISION_LENGTH = 12;

/** Hexadecimal digits of the hash: 40 bits, which thousands of runs do not meet in. */
const HASH_LENGTH = 10;

/**
 * Folder of a run, below the batch's: `<name>[@<revision>]-<hash>`. The hash is over everything in the
 * configuration that decides what the run computes and which files it writes, so another configuration goes to
 * another folder; workers and backend are not part of it. It has no separator and no leading dot, whatever a model
 * is called.
 *
 * @param name name of the model
 * @param revision commit of a hub's model
 */
export function runFolder(name: string, revision: string | null, options: BatchRunOptions): string {
  const hash = hashOf([[name, revision], ...identityOf(options)]).slice(0, HASH_LENGTH);
  const at = revision === null ? '' : `@${safe(revision).slice(0, REVISION_LENGTH)}`;
  return `${safe(name).slice(0, MAX_NAME_LENGTH)}${at}-${hash}`;
}

/** Hexadecimal name of a run that its options alone decide, before its model is found. */
export function runKey(options: BatchRunOptions): string {
  return hashOf([options.name, ...identityOf(options)]).slice(0, 2 * HASH_LENGTH);
}

function hashOf(identity: readonly unknown[]): string {
  return createHash('sha256').update(JSON.stringify(identity)).digest('hex');
}

/** Everything in the options that decides bytes and files, in one order, whatever that in the file; undefined is left out. */
function identityOf({
  model,
  synthetic,
  tensor,
  side,
  rows,
  headRows,
  foldNorm,
  normRule,
  metric,
  ridge,
  weights,
  secondMoment,
  format,
  partitionRows,
  exports,
  tables,
  top,
  report,
}: BatchRunOptions): unknown[] {
  // Folders from before there was a choice keep their names.
  const folded = foldNorm === 'no' ? {} : { foldNorm, normRule };
  const sided = side === 'output' ? {} : { side };
  const weighed = {
    ...(weights === 'uniform' ? {} : { weights }),
    ...(secondMoment === 'centred' ? {} : { secondMoment }),
  };
  return [
    {
      model,
      tensor,
      rows,
      headRows,
      ...sided,
      ...folded,
      metric,
      ridge,
      ...weighed,
      format,
      partitionRows,
      tables,
      top,
      report,
    },
    synthetic && [synthetic.rows, synthetic.hidden, synthetic.seed, synthetic.directory],
    exports.pt && (exports.pt === true || [exports.pt.eigenbasis, exports.pt.projections]),
    exports.safetensors && (exports.safetensors === true || exports.safetensors.projections),
    exports.npy && (exports.npy === true || exports.npy.projections),
  ];
}

/**
 * Text in the letters, digits and signs that every file system takes; `owner/name` becomes `owner--name`, as in the
 * hub's cache.
 */
function safe(text: string): string {
  return text
    .replaceAll('/', '--')
    .replace(/[^A-Za-z0-9._-]/g, '_')
    .replace(/^[.-]+/, '');
}
