import { existsSync } from 'node:fs';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { EigenshardError, InputError, VerificationError } from '../errors.js';
import { afterCleanUp, withCleanUpSync } from '../files/clean-up.js';
import { type HeldDirectory, removeEmpty, takeDirectory } from '../files/held-directory.js';
import type { LockClaim } from '../files/lock-file.js';
import { makeDirectory } from '../files/make-directory.js';
import { sweepPartialFiles, writeFileAtomically } from '../files/partial-file.js';
import { removeFile } from '../files/remove-file.js';
import type { LockContext } from '../files/wait-for-lock.js';
import { type BackendIdentity, backendLabel, sameBackend } from '../linalg/backend/backend.js';
import { partitionFolders } from '../plan/plan-run.js';
import { unfinishedName } from './exports.js';
import {
  JOURNAL_NAME,
  Journal,
  type JournalEntry,
  type JournalHeader,
  journalRecord,
  readJournal,
} from './journal.js';
import { LAYOUT_VERSION, type Manifest, readManifest, writeManifest } from './manifest.js';
import { manifestFiles } from './manifest-files.js';
import { identityOfManifest } from './manifest-identity.js';
import {
  isMarker,
  isOwnName,
  leadsOut,
  liesInside,
  MARKER_NAME,
  MARKER_TEXT,
  refuseLeadingOut,
} from './own-files.js';
import { refuseStrangers, writtenPartitions } from './partition-folders.js';
import { isOwnManifest, MANIFEST_NAME } from './run-folders.js';
import { identityDifferences, type RunIdentity, refuseLacking } from './run-identity.js';
import { settleStage } from './staged-files.js';

/**
 * The output directory of one run, held by one coordinator from `open` to `close`.
 *
 *   absent or without a run --begin--> unfinished (journal) --commit--> finished (manifest beside it)
 *                                          ^----------------reopen----------------|
 *
 * An unfinished run is continued only with `resume`, any run is replaced only with `overwrite`, and files that no run
 * wrote are never touched.
 */
export class RunDirectory {
  /** Absolute. */
  readonly path: string;
  readonly #flags: { resume: boolean; overwrite: boolean };
  readonly #held: HeldDirectory;
  #journal: Journal | undefined;

  private constructor(
    directory: string,
    flags: { resume: boolean; overwrite: boolean },
    held: HeldDirectory,
  ) {
    this.path = directory;
    this.#flags = flags;
    this.#held = held;
  }

  /**
   * Locks the directory, and makes it where there is none.
   *
   * @throws InputError while another process works there, or when it holds a run and nobody said what to do with it
   */
  static async open(
    directory: string,
    flags: { resume: boolean; overwrite: boolean },
    context: LockContext = { note: () => {} },
  ): Promise<RunDirectory> {
    const held = await takeDirectory(directory, context);
    const opened = new RunDirectory(path.resolve(directory), flags, held);
    try {
      settleStage(opened.path);
      opened.#refuseUnclear();
    } catch (error) {
      throw afterCleanUp(error, () => opened.close());
    }
    return opened;
  }

  /** Names the lock to worker threads, which check it before they write. */
  get lock(): LockClaim {
    return this.#held.lock.claim;
  }

  /**
   * Checks that the directory is still this process's, before something is written there that no PartialFile guards.
   *
   * @throws RunError where another process has taken it over
   */
  refuseLost(): void {
    this.#held.lock.check();
  }

  /**
   * The manifest of the finished run that lies here already, when it is the one asked for and may stay, be it with more
   * tables or exports. A damaged manifest beside a journal is as none: what the journal records is intact or made again.
   */
  finished(wanted: RunKey, note: (line: string) => void = () => {}): Manifest | null {
    if (this.#flags.overwrite || !this.#holds(MANIFEST_NAME)) return null;
    let manifest: Manifest;
    try {
      manifest = readManifest(this.path);
    } catch (error) {
      if (!(error instanceof VerificationError) || readable(() => readJournal(this.path)) === null)
        throw error;
      note(`${path.join(this.path, MANIFEST_NAME)}: is not as the run wrote it, and is made again`);
      this.refuseLost();
      removeFile(path.join(this.path, MANIFEST_NAME));
      return null;
    }
    if (manifest.layout !== LAYOUT_VERSION) {
      throw new InputError(
        `${this.path}: holds a finished run in layout ${manifest.layout}, which can be read and verified, but not ` +
          `continued by this version. Choose another --out, or --overwrite to replace it`,
      );
    }
    const identity = identityOfManifest(manifest);
    this.#refuseOther({ ...manifest, identity }, wanted);
    if (wanted.identity !== undefined) refuseLacking(this.path, identity, wanted.identity);
    if (this.#mark())
      note(`${path.join(this.path, MARKER_NAME)}: was missing or damaged, and is written again`);
    return manifest;
  }

  /**
   * Makes a finished run an unfinished one, to make again what is damaged of it.
   *
   * @throws InputError where the run has other tables or exports than those asked for, which `begin` would refuse
   */
  reopen(manifest: Manifest, wanted: RunKey): void {
    this.#refuseOtherAdditions(identityOfManifest(manifest), wanted.identity);
    const journal = path.join(this.path, JOURNAL_NAME);
    const header = headerOf(manifest);
    this.refuseLost();
    const recorded = readable(() => readJournal(this.path));
    // Lost, damaged, or from before exports and tables were added: the manifest, which is sealed, knows the same or more.
    if (!isDeepStrictEqual(recorded?.header, header)) {
      removeFile(journal);
      Journal.create(this.path, header, entriesOf(manifest)).close();
    }
    removeFile(path.join(this.path, MANIFEST_NAME));
  }

  /** Whether a finished run lies here that is to stay, or to be mended. */
  get isFinished(): boolean {
    return !this.#flags.overwrite && this.#holds(MANIFEST_NAME);
  }

  /** Absolute paths of the files of a former run that `begin` is going to remove, as far as its manifest names them. */
  filesToRemove(): string[] {
    if (!this.#flags.overwrite) return [];
    const named = this.#namedByManifest().map((name) => path.resolve(this.path, name));
    return named.filter((file) => isInside(this.path, file) && this.#isOwn(file));
  }

  /** Whether something of a run lies here that can be gone on with. */
  get isBegun(): boolean {
    return this.#holds(JOURNAL_NAME);
  }

  /** What has computed the unfinished run that lies here, when it is to be continued. */
  unfinishedBackend(): BackendIdentity | null {
    if (!this.#flags.resume) return null;
    // The damaged journal of a finished run is written again when its manifest has been read.
    const read = () => readJournal(this.path);
    const journal = this.#holds(MANIFEST_NAME) ? readable(read) : read();
    return journal?.header.kernels ?? null;
  }

  /**
   * Begins, or continues, the run of `header`.
   * @param targets the files that the run will write, relative to the directory or absolute
   * @returns the header in force and the steps that the journal records; the caller checks their files
   */
  begin(header: JournalHeader, targets: readonly string[]): { header: JournalHeader; done: JournalEntry[] } {
    this.#refuseTwice([...targets, MANIFEST_NAME, JOURNAL_NAME, MARKER_NAME]);
    this.refuseLost();
    // First, so that a process that has lost the directory publishes nothing of what it had begun.
    this.#sweep();
    if (this.#flags.overwrite) this.#removeFormer(targets);
    refuseStrangers(this.path, targets);
    // A manifest that is no run's, or a journal that is none, is somebody's.
    if (this.#holds(MANIFEST_NAME)) readManifest(this.path);
    const recorded = readJournal(this.path);
    if (recorded !== null) {
      this.#refuseOther(recorded.header, header);
      this.#refuseOtherAdditions(recorded.header.identity, header.identity);
      if (JSON.stringify(recorded.header.exports) !== JSON.stringify(header.exports)) {
        throw new InputError(
          `${this.path}: the unfinished run there writes its exports to ${recorded.header.exports.join(', ')}, not to ` +
            `${header.exports.join(', ')}. Ask for the same paths, or start again with --overwrite`,
        );
      }
      this.#refuseOtherKernels(recorded.header.kernels, header.kernels);
      this.#makeFolders(targets);
      this.#journal = Journal.reopen(this.path);
      return { header: recorded.header, done: recorded.entries };
    }
    // A journal that was killed before its first line was complete.
    removeFile(path.join(this.path, JOURNAL_NAME));
    for (const target of targets) this.#refuseForeign(target);
    this.#makeFolders(targets);
    this.#journal = Journal.create(this.path, header);
    return { header, done: [] };
  }

  /** Records a finished step, whose files must be in place. */
  record(entry: JournalEntry): void {
    this.refuseLost();
    this.#journal?.append(entry);
  }

  /** The commit: from here on the run is finished. @returns the manifest with the journal's record */
  commit(results: ManifestToCommit): Manifest {
    this.#journal?.close();
    this.#journal = undefined;
    const execution = { ...results.execution, journal: journalRecord(this.path) };
    const manifest = { ...results, execution };
    writeManifest(this.path, manifest);
    return manifest;
  }

  /**
   * Lets the directory go, finished or not. One that was made for nothing is removed again.
   *
   * @throws RunError where another process has taken it over, which is what any earlier failure is likely to come from
   */
  close(): void {
    withCleanUpSync(
      () => {
        this.#journal?.close();
        this.refuseLost();
        this.#sweep();
      },
      () => this.#held.release(),
    );
  }

  #holds(name: string): boolean {
    return existsSync(path.join(this.path, name));
  }

  /** Whether a run has written here: its mark, its journal or the beginning of its manifest tells. */
  #holdsRun(): boolean {
    if (this.#holds(MARKER_NAME)) return true;
    if (readable(() => readJournal(this.path)) !== null) return true;
    return readable(() => isOwnManifest(this.path)) ?? false;
  }

  #refuseUnclear(): void {
    if (this.#flags.overwrite || this.#flags.resume) return;
    if (this.#holds(MANIFEST_NAME)) {
      throw new InputError(
        `${this.path}: already holds a finished run. Choose another --out, or --overwrite to replace it`,
      );
    }
    if (readJournal(this.path) !== null) {
      throw new InputError(
        `${this.path}: holds an unfinished run. --resume continues it, --overwrite starts again`,
      );
    }
  }

  /** Makes the folders of the run's own files, and marks the directory as ours. */
  #makeFolders(targets: readonly string[]): void {
    const folders = targets.map((target) => path.dirname(path.resolve(this.path, target)));
    for (const folder of new Set(folders)) {
      if (!isInside(this.path, folder)) continue;
      makeDirectory(folder);
      refuseLeadingOut(this.path, folder);
    }
    this.#mark();
  }

  /** Writes our mark where it is not whole. @returns whether that was so */
  #mark(): boolean {
    const file = path.join(this.path, MARKER_NAME);
    if (isMarker(file)) return false;
    writeFileAtomically(file, [Buffer.from(MARKER_TEXT)]);
    return true;
  }

  #sweep(): void {
    for (const folder of [this.path, ...partitionFolders.map((name) => path.join(this.path, name))]) {
      if (leadsOut(this.path, folder) === null) sweepPartialFiles(folder);
    }
  }

  #refuseOther(found: RunKey, wanted: RunKey): void {
    if (found.fingerprint === wanted.fingerprint) return;
    const [there, here] = [found, wanted].map(({ fingerprint }) => fingerprint.slice(0, 12));
    const areKnown = found.identity !== undefined && wanted.identity !== undefined;
    const differences = areKnown ? identityDifferences(found.identity!, wanted.identity!) : [];
    if (areKnown && differences.length === 0) {
      throw new InputError(
        `${this.path}: holds this run, made by another version, whose fingerprint is another one (${there}, not ${here}): ` +
          'it can be read, verified and exported, but not continued. Choose another --out, or --overwrite to replace it',
      );
    }
    throw new InputError(
      `${this.path}: holds another run (fingerprint ${there}, this one is ${here}): its inputs or options differ` +
        (differences.length === 0
          ? '. Choose'
          : `: ${differences.join(', ')} (there -> here). Ask for what it was made with, choose`) +
        ' another --out, or --overwrite to replace it',
    );
  }

  /** Refuses to continue, or to mend, a run with other tables or exports than it has. */
  #refuseOtherAdditions(found: RunIdentity | undefined, wanted: RunIdentity | undefined): void {
    if (found === undefined || wanted === undefined) return;
    const differences = identityDifferences(found, wanted);
    if (differences.length === 0) return;
    throw new InputError(
      `${this.path}: the run there is to be completed, and has other tables or exports: its inputs or options differ: ` +
        `${differences.join(', ')} (there -> here). Ask for those that it has; \`export\` adds others when it is ` +
        'finished. Or choose another --out, or --overwrite to replace it',
    );
  }

  #refuseOtherKernels(found: BackendIdentity, wanted: BackendIdentity): void {
    if (sameBackend(found, wanted)) return;
    const option =
      found.backend === 'portable'
        ? '--backend portable'
        : `--backend system --blas ${found.library} (if you trust that library)`;
    // The same library in another version cannot be asked for.
    const isElsewhere = found.backend !== wanted.backend || found.library !== wanted.library;
    throw new InputError(
      `${this.path}: the unfinished run there is computed by other kernels (${backendLabel(found)}) than this one ` +
        `(${backendLabel(wanted)}), whose last bits differ. ${isElsewhere ? `Give ${option}, or start` : 'Start'} ` +
        'again with --overwrite',
    );
  }

  #refuseTwice(targets: readonly string[]): void {
    const files = targets.map((target) => path.resolve(this.path, target));
    const seen = new Set<string>();
    const twice = files.find((file) => seen.size === seen.add(file).size);
    if (twice === undefined) return;
    throw new InputError(
      `${twice}: this run would write two of its files there. Give each export its own path`,
    );
  }

  #refuseForeign(target: string): void {
    const file = path.resolve(this.path, target);
    if (!existsSync(file)) return;
    throw new InputError(
      `${file}: exists, and no eigenshard run in ${this.path} wrote it. Move it away, or write elsewhere`,
    );
  }

  /**
   * Removes the files of the former run, the manifest first: a half-removed run must not look whole. What another
   * program put at a target is refused before anything is removed.
   */
  #removeFormer(targets: readonly string[]): void {
    if (!this.#holdsRun()) return;
    const former = this.#formerFiles(targets);
    for (const target of targets)
      if (!former.has(path.resolve(this.path, target))) this.#refuseForeign(target);
    for (const file of former) removeFile(file);
    for (const folder of new Set([...former].map((file) => path.dirname(file)))) {
      if (isInside(this.path, folder)) removeEmpty(folder, folder);
    }
  }

  /**
   * What manifest and journal name, as far as they can be read, and a run may remove: its own names inside the
   * directory, and elsewhere only what this run will write again, for both files may come from anywhere. Where both are
   * lost, a directory with our mark has its files at the names that this run will take, and partitions tell themselves.
   */
  #formerFiles(targets: readonly string[]): Set<string> {
    const absolute = (name: string) => path.resolve(this.path, name);
    const rewritten = new Set(targets.map(absolute));
    const named = [...this.#namedByManifest(), ...this.#namedByJournal()].map(absolute);
    const own = [MANIFEST_NAME, JOURNAL_NAME].map(absolute);
    const parts = writtenPartitions(this.path);
    return new Set([
      ...own,
      ...named.filter((file) =>
        isInside(this.path, file)
          ? liesInside(this.path, file) && (rewritten.has(file) || this.#isOwn(file))
          : rewritten.has(file),
      ),
      ...[...rewritten, ...parts].filter((file) => liesInside(this.path, file) && this.#isOwn(file)),
    ]);
  }

  #isOwn(file: string): boolean {
    return isOwnName(path.relative(this.path, file).split(path.sep).join('/'));
  }

  #namedByManifest(): string[] {
    if (!this.#holds(MANIFEST_NAME)) return [];
    const manifest = readable(() => readManifest(this.path));
    return manifest === null ? [] : manifestFiles(manifest).map((file) => file.path);
  }

  #namedByJournal(): string[] {
    const journal = readable(() => readJournal(this.path));
    if (journal === null) return [];
    const { exports, tables } = journal.header;
    const units = journal.entries.flatMap((entry) =>
      entry.step === 'partition' ? entry.files.map((file) => file.path) : [entry.file.path],
    );
    return [...exports, ...exports.map(unfinishedName), ...tables, ...units];
  }
}

/** What tells a run from others, and, where it is known, what it is made of. */
type RunKey = Pick<JournalHeader, 'fingerprint' | 'identity'>;

/** A manifest but for the record of the journal, which ends with the commit. */
interface ManifestToCommit extends Omit<Manifest, 'execution'> {
  execution: Omit<Manifest['execution'], 'journal'>;
}

/** What a file of the run says, or null where it cannot be read: whoever replaces a run need not understand it. */
function readable<Result>(read: () => Result): Result | null {
  try {
    return read();
  } catch (error) {
    if (error instanceof EigenshardError) return null;
    throw error;
  }
}

/** The header of the journal that a finished run had. */
function headerOf(manifest: Manifest): JournalHeader {
  const { fingerprint, execution, exports, tables, report } = manifest;
  return {
    step: 'run',
    fingerprint,
    identity: identityOfManifest(manifest),
    started: execution.started,
    exports: exports.map((file) => file.path),
    tables: [...(tables?.files ?? []), ...(report === null ? [] : [report])].map((file) => file.path),
    kernels: execution.kernels,
  };
}

/** Its entries. */
function entriesOf({ metric, eigenbasis, partitions }: Manifest): JournalEntry[] {
  return [
    ...(metric.source === 'computed' ? [{ step: 'metric' as const, file: metric.file }] : []),
    { step: 'eigenbasis' as const, file: eigenbasis },
    ...partitions.map(({ files, crc32 }, index) => ({
      step: 'partition' as const,
      index,
      files: files.map((file) => ({ path: file.path, bytes: file.bytes, crc32: file.crc32 })),
      crc32,
    })),
  ];
}

/** Whether a path, as it is written, lies in a directory. */
function isInside(directory: string, file: string): boolean {
  return file.startsWith(directory + path.sep);
}
