import { existsSync, mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { InputError } from '../errors.js';
import { lockDirectory } from '../files/lock.js';
import { sweepPartialFiles } from '../files/partial-file.js';
import { asOutputError } from '../files/write-error.js';
import { type BackendIdentity, backendLabel, sameBackend } from '../linalg/backend/backend.js';
import { unfinishedName } from './exports.js';
import { JOURNAL_NAME, Journal, type JournalEntry, type JournalHeader, readJournal } from './journal.js';
import { MANIFEST_NAME, type Manifest, readManifest, writeManifest } from './manifest.js';

/**
 * The output directory of one run, held by one coordinator from `open` to `close`.
 *
 *   absent or without a run --begin--> unfinished (journal) --commit--> finished (manifest)
 *
 * An unfinished run is continued only with `resume`, any run is replaced only with `overwrite`, and files that
 * no manifest or journal names are never touched.
 */
export class RunDirectory {
  /** Absolute. */
  readonly path: string;
  readonly #flags: { resume: boolean; overwrite: boolean };
  readonly #unlock: () => void;
  #journal: Journal | undefined;

  private constructor(directory: string, flags: { resume: boolean; overwrite: boolean }, unlock: () => void) {
    this.path = directory;
    this.#flags = flags;
    this.#unlock = unlock;
  }

  /** @throws InputError when the directory holds a run and nobody said what to do with it */
  static open(directory: string, flags: { resume: boolean; overwrite: boolean }): RunDirectory {
    try {
      mkdirSync(path.join(directory, 'projections'), { recursive: true });
      const unlock = lockDirectory(directory);
      const opened = new RunDirectory(path.resolve(directory), flags, unlock);
      try {
        opened.#refuseUnclear();
      } catch (error) {
        unlock();
        throw error;
      }
      return opened;
    } catch (error) {
      throw asOutputError(error, directory);
    }
  }

  /** The manifest of the finished run that lies here already, when it is the one asked for and may stay. */
  finished(fingerprint: string): Manifest | null {
    if (this.#flags.overwrite || !this.#holds(MANIFEST_NAME)) return null;
    const manifest = readManifest(this.path);
    this.#refuseOther(manifest.fingerprint, fingerprint);
    return manifest;
  }

  /** What has computed the unfinished run that lies here, when it is to be continued. */
  unfinishedBackend(): BackendIdentity | null {
    return this.#flags.resume ? (readJournal(this.path)?.header.kernels ?? null) : null;
  }

  /**
   * Begins, or continues, the run of `header`.
   * @param targets the files that the run will write, relative to the directory or absolute
   * @returns the header in force and the steps that the journal records; the caller checks their files
   */
  begin(header: JournalHeader, targets: readonly string[]): { header: JournalHeader; done: JournalEntry[] } {
    this.#refuseTwice([...targets, MANIFEST_NAME, JOURNAL_NAME]);
    if (this.#flags.overwrite) {
      const former = this.#filesOfRun(targets);
      for (const target of targets)
        if (!former.has(path.resolve(this.path, target))) this.#refuseForeign(target);
      for (const file of former) rmSync(file, { force: true });
    }
    sweepPartialFiles(this.path);
    sweepPartialFiles(path.join(this.path, 'projections'));
    const recorded = readJournal(this.path);
    if (recorded !== null) {
      this.#refuseOther(recorded.header.fingerprint, header.fingerprint);
      if (JSON.stringify(recorded.header.exports) !== JSON.stringify(header.exports)) {
        throw new InputError(
          `${this.path}: the unfinished run there writes its exports to ${recorded.header.exports.join(', ')}, not to ` +
            `${header.exports.join(', ')}. Ask for the same paths, or start again with --overwrite`,
        );
      }
      this.#refuseOtherKernels(recorded.header.kernels, header.kernels);
      this.#journal = Journal.reopen(this.path);
      return { header: recorded.header, done: recorded.entries };
    }
    // A journal that was killed before its first line was complete.
    rmSync(path.join(this.path, JOURNAL_NAME), { force: true });
    for (const target of targets) this.#refuseForeign(target);
    this.#journal = Journal.create(this.path, header);
    return { header, done: [] };
  }

  /** Records a finished step, whose files must be in place. */
  record(entry: JournalEntry): void {
    this.#journal?.append(entry);
  }

  /** The commit: from here on the run is finished. */
  commit(manifest: Manifest): void {
    writeManifest(this.path, manifest);
    rmSync(path.join(this.path, JOURNAL_NAME), { force: true });
  }

  /** Lets the directory go, finished or not. */
  close(): void {
    this.#journal?.close();
    sweepPartialFiles(this.path);
    sweepPartialFiles(path.join(this.path, 'projections'));
    this.#unlock();
  }

  #holds(name: string): boolean {
    return existsSync(path.join(this.path, name));
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

  #refuseOther(found: string, wanted: string): void {
    if (found === wanted) return;
    throw new InputError(
      `${this.path}: holds another run (fingerprint ${found.slice(0, 12)}, this one is ${wanted.slice(0, 12)}): ` +
        'its inputs or options differ. Choose another --out, or --overwrite to replace it',
    );
  }

  #refuseOtherKernels(found: BackendIdentity, wanted: BackendIdentity): void {
    if (sameBackend(found, wanted)) return;
    const option =
      found.backend === 'portable' ? '--backend portable' : `--backend system --blas ${found.library}`;
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
   * The files that the manifest and the journal name, the manifest first: a half-removed run must not look whole.
   * Outside the directory only what this run will write again: a manifest may come from anywhere.
   */
  #filesOfRun(targets: readonly string[]): Set<string> {
    const files: string[] = [];
    if (this.#holds(MANIFEST_NAME)) {
      const manifest = readManifest(this.path);
      files.push(
        MANIFEST_NAME,
        manifest.eigenbasis.path,
        ...(manifest.metric.source === 'computed' ? [manifest.metric.path] : []),
        ...manifest.partitions.flatMap((partition) => partition.files.map((file) => file.path)),
        ...manifest.exports.map((file) => file.path),
        ...(manifest.tables?.files ?? []).map((file) => file.path),
        ...(manifest.report === null ? [] : [manifest.report.path]),
      );
    }
    const journal = readJournal(this.path);
    if (journal !== null) {
      const { exports, tables } = journal.header;
      files.push(...exports, ...exports.map(unfinishedName), ...tables);
      for (const entry of journal.entries) {
        files.push(...(entry.step === 'partition' ? entry.files : [entry.file]).map((file) => file.path));
      }
    }
    const rewritten = new Set(targets.map((target) => path.resolve(this.path, target)));
    const own = [...files, JOURNAL_NAME].map((name) => path.resolve(this.path, name));
    return new Set(own.filter((file) => file.startsWith(this.path + path.sep) || rewritten.has(file)));
  }
}
