import { existsSync } from 'node:fs';
import { hostname } from 'node:os';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { InputError, RunError, VerificationError } from '../errors.js';
import { afterCleanUp, withCleanUpSync } from '../files/clean-up.js';
import { type HeldDirectory, removeEmpty, takeDirectory } from '../files/held-directory.js';
import type { LockClaim } from '../files/lock-file.js';
import { makeDirectory } from '../files/make-directory.js';
import { sweepPartialFiles, writeFileAtomically } from '../files/partial-file.js';
import { readable } from '../files/readable.js';
import { removeFile } from '../files/remove-file.js';
import type { LockContext } from '../files/wait-for-lock.js';
import { type BackendIdentity, backendLabel, sameBackend } from '../linalg/backend/backend.js';
import { processorClass } from '../linalg/backend/processor-class.js';
import { partitionFolders } from '../plan/plan-run.js';
import type { StageName } from '../plan/stages.js';
import { type Additions, additionsOfManifest, additionsOfPlan } from './additions.js';
import { type DoneRecord, type Maker, publishRecord } from './done-records.js';
import { unfinishedName } from './exports.js';
import { LAYOUT_VERSION } from './layout-version.js';
import { type Manifest, readManifest, writeManifest } from './manifest.js';
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
import { refuseAmongPartitions, refuseStrangers, writtenPartitions } from './partition-folders.js';
import { recordsOfManifest } from './records-of-manifest.js';
import { holdsBegunRun, isOwnManifest, MANIFEST_NAME, PLAN_NAME, RECORDS_NAME } from './run-folders.js';
import { additionDifferences, dataDifferences, type RunIdentity, refuseLacking } from './run-identity.js';
import { type PlanOfRun, readPlan, writePlan } from './run-plan.js';
import {
  type RunRecords,
  readRecords,
  readRecordsFile,
  type ScannedIdentity,
  scannedIdentity,
  writeRecordsFile,
} from './run-records.js';
import { directoryStore, type RunStore } from './run-store.js';
import { settleStage } from './staged-files.js';
import { forgetStage, holdsUnfinished, removeUnfinished, unitFolders } from './unfinished-files.js';

/**
 * The output directory of one run, held by one coordinator from `open` to `close`.
 *
 *   absent or without a run --begin--> unfinished (plan, records) --commit--> finished (records.jsonl, manifest)
 *                                             ^-----------------reopen-----------------|
 *
 * An unfinished run is continued only with `resume`, any run is replaced only with `overwrite`, and files that no run
 * wrote are never touched.
 */
export class RunDirectory {
  /** Absolute. */
  readonly path: string;
  readonly #flags: { resume: boolean; overwrite: boolean };
  readonly #held: HeldDirectory;
  /** Where the units of the run publish what they compute; what is lost by a power cut is found by its checksum. */
  readonly store: RunStore;

  private constructor(
    directory: string,
    flags: { resume: boolean; overwrite: boolean },
    held: HeldDirectory,
  ) {
    this.path = directory;
    this.#flags = flags;
    this.#held = held;
    this.store = directoryStore(this.path, { durable: false, lock: held.lock.claim });
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
    refuseAmongPartitions(path.resolve(directory));
    const held = await takeDirectory(directory, context);
    const opened = new RunDirectory(path.resolve(directory), flags, held);
    try {
      settleStage(opened.path);
      opened.#settle();
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
   * tables or exports. A damaged manifest beside records is as none: what they name is intact or made again.
   */
  finished(wanted: RunKey, note: (line: string) => void = () => {}): Manifest | null {
    if (this.#flags.overwrite || !this.#holds(MANIFEST_NAME)) return null;
    let manifest: Manifest;
    try {
      manifest = readManifest(this.path);
    } catch (error) {
      if (!(error instanceof VerificationError)) throw error;
      if (readable(() => this.#records()) === null) throw this.#lostRecords(error);
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
   * @throws InputError where the run has other tables or exports than those asked for, or other kernels computed it, which
   * `begin` would refuse
   */
  reopen(manifest: Manifest, wanted: WantedRun): void {
    this.#refuseOtherAdditions(identityOfManifest(manifest), wanted.identity);
    const { started, kernels } = manifest.execution;
    // Before anything of the finished run is touched.
    this.#refuseOtherKernels({ ...wanted.plan, kernels }, wanted.plan);
    this.refuseLost();
    const plan = writePlan(this.store, this.path, { ...wanted.plan, started, kernels });
    for (const record of recordsOfManifest(manifest, plan, this.#maker(manifest)))
      publishRecord(this.store, record);
    removeFile(path.join(this.path, MANIFEST_NAME));
    removeFile(path.join(this.path, FORMER_JOURNAL));
  }

  /** Who has made what a manifest names: as the records tell, or else this machine. */
  #maker({ execution: { kernels } }: Manifest): Maker {
    const found = readable(() => readRecordsFile(this.path))?.records.find(({ stage }) => stage === 'basis');
    const { processor, host, pid, scheduler } = found ?? {
      ...{ processor: processorClass(), host: hostname(), pid: process.pid, scheduler: null },
    };
    return { kernels, processor, host, pid, scheduler };
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
    return holdsBegunRun(this.path);
  }

  /** What the run that is to be continued or mended is made from and has: as its manifest tells, or else its plan. */
  get additions(): Additions | null {
    if (this.#flags.overwrite) return null;
    const manifest = this.#holds(MANIFEST_NAME) ? readable(() => readManifest(this.path)) : null;
    if (manifest !== null) return additionsOfManifest(manifest);
    const plan = readable(() => this.#records())?.plan;
    return plan === undefined ? null : additionsOfPlan(plan);
  }

  /** What has computed the unfinished run that lies here, when it is to be continued. */
  unfinishedBackend(): BackendIdentity | null {
    if (!this.#flags.resume) return null;
    // The damaged records of a finished run are written again when its manifest has been read.
    const read = () => this.#records();
    const found = this.#holds(MANIFEST_NAME) ? readable(read) : read();
    if (found !== null) return found.plan.kernels;
    return readable(() => readManifest(this.path))?.execution.kernels ?? null;
  }

  /**
   * Begins, or continues, the run of a plan.
   *
   * @param targets the files that the run will write, relative to the directory or absolute
   * @returns the plan in force, with its inputs where they lie now, and the records of what is done; the caller checks
   * their files
   */
  begin(wanted: WantedRun, targets: readonly string[]): RunRecords {
    this.#refuseTwice([...targets, MANIFEST_NAME, PLAN_NAME, RECORDS_NAME, MARKER_NAME]);
    this.refuseLost();
    // First, so that a process that has lost the directory publishes nothing of what it had begun.
    this.#sweep();
    if (this.#flags.overwrite) this.#removeFormer(targets);
    refuseStrangers(this.path, targets);
    // A manifest that is no run's is somebody's.
    if (this.#holds(MANIFEST_NAME)) readManifest(this.path);
    const recorded = this.#records();
    if (recorded !== null) {
      this.#refuseToContinue(recorded, wanted);
      this.#makeFolders(targets);
      const { plan, records } = this.#continue(recorded);
      // Its inputs are the same, and lie where they have been found now.
      const { checkpoint, metric } = wanted.plan;
      return { plan: { ...plan, checkpoint, metric }, records };
    }
    // Records whose plan is gone; where no run has written, they are somebody's.
    if (this.#holds(MARKER_NAME)) removeUnfinished(this.path);
    else for (const folder of unitFolders) this.#refuseForeign(folder);
    for (const target of targets) this.#refuseForeign(target);
    this.#makeFolders(targets);
    return { plan: writePlan(this.store, this.path, wanted.plan), records: [] };
  }

  /**
   * The commit: from here on the run is finished.
   *
   * @param execution says how the run went, when all but the manifest is written
   * @returns the manifest with the record of the records
   */
  commit(results: Omit<Manifest, 'execution'>, execution: () => ExecutionToCommit): Manifest {
    const recorded = readRecords(this.store, this.path);
    if (recorded === null) throw new RunError(`${this.path}: its ${PLAN_NAME} is gone; begin the run again`);
    this.refuseLost();
    const file = writeRecordsFile(this.path, recorded.plan, recorded.records);
    const manifest = { ...results, execution: { ...execution(), records: file } };
    writeManifest(this.path, manifest);
    removeUnfinished(this.path);
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
        this.refuseLost();
        this.#sweep();
      },
      () => this.#held.release(),
    );
  }

  /** Plan and records of the run here: those of one that is not finished, or those that a finished one keeps. */
  #records(): RunRecords | null {
    return readRecords(this.store, this.path) ?? readRecordsFile(this.path);
  }

  /** Puts the records of a run that goes on where its units look for them. It is verified anew, all of it. */
  #continue({ plan, records }: RunRecords): RunRecords {
    if (!this.#holds(PLAN_NAME)) {
      writePlan(this.store, this.path, plan);
      for (const record of records) if (isKept(record)) publishRecord(this.store, record);
    }
    // Before its identity is settled, nothing says that a scan was of the weights of today.
    const isSettled = scannedIdentity(records) !== null;
    const forgotten: StageName[] = ['verify', 'finish', ...(isSettled ? [] : (['scan'] as const))];
    for (const stage of forgotten) forgetStage(this.path, stage);
    return { plan, records: records.filter(({ stage }) => !forgotten.includes(stage)) };
  }

  #refuseToContinue({ plan, records }: RunRecords, wanted: WantedRun): void {
    const scanned = scannedIdentity(records);
    const identity = identityOfPlan(plan, scanned);
    this.#refuseOther({ fingerprint: scanned?.fingerprint ?? null, identity }, wanted);
    this.#refuseOtherAdditions(identity, wanted.identity);
    const [there, here] = [plan, wanted.plan].map((one) => one.exports.map((file) => file.path).join(', '));
    if (there !== here) {
      throw new InputError(
        `${this.path}: the unfinished run there writes its exports to ${there}, not to ${here}. Ask for the same paths, ` +
          'or start again with --overwrite',
      );
    }
    this.#refuseOtherKernels(plan, wanted.plan);
    this.#refuseOtherProcessor(records);
  }

  /** What a commit was killed before it could remove is removed; the manifest beside it is whole. */
  #settle(): void {
    if (!this.#holds(MANIFEST_NAME) || !holdsUnfinished(this.path)) return;
    if (readable(() => readManifest(this.path)) !== null) removeUnfinished(this.path);
  }

  #holds(name: string): boolean {
    return existsSync(path.join(this.path, name));
  }

  /** Whether a run has written here: its mark, its plan or the beginning of its manifest tells. */
  #holdsRun(): boolean {
    if (this.#holds(MARKER_NAME)) return true;
    if (readable(() => this.#records()) !== null) return true;
    return readable(() => isOwnManifest(this.path)) ?? false;
  }

  #refuseUnclear(): void {
    if (this.#flags.overwrite || this.#flags.resume) return;
    if (this.#holds(MANIFEST_NAME)) {
      throw new InputError(
        `${this.path}: already holds a finished run. --resume makes again what is missing or damaged of it where it is ` +
          'this run, --overwrite replaces it; or choose another --out',
      );
    }
    if (readPlan(this.store, this.path) !== null || this.#holds(RECORDS_NAME)) {
      throw new InputError(
        `${this.path}: holds an unfinished run, of which \`eigenshard status\` tells what is left. \`eigenshard run --resume\` ` +
          'continues it, as `step` and `submit` do; --overwrite starts again',
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
    const folders = [...partitionFolders, ...unitFolders].map((name) => path.join(this.path, name));
    for (const folder of [this.path, ...folders]) {
      if (leadsOut(this.path, folder) === null) sweepPartialFiles(folder);
    }
  }

  #refuseOther(found: RunKey, wanted: RunKey): void {
    if (found.fingerprint === wanted.fingerprint) return;
    const differences = dataDifferences(found.identity, wanted.identity);
    // Before the weights are read, options tell.
    const isUnknown = found.fingerprint === null || wanted.fingerprint === null;
    if (isUnknown && differences.length === 0) return;
    const [there, here] = [found, wanted].map(
      ({ fingerprint }) => fingerprint?.slice(0, 12) ?? 'not known yet',
    );
    if (differences.length === 0) {
      throw new InputError(
        `${this.path}: holds this run, made by another version, whose fingerprint is another one (${there}, not ${here}): ` +
          'it can be read, verified and exported, but not continued. Choose another --out, or --overwrite to replace it',
      );
    }
    throw new InputError(
      `${this.path}: holds another run (fingerprint ${there}, this one is ${here}): its inputs or options differ: ` +
        `${differences.join(', ')} (there -> here). Ask for what it was made with, choose another --out, or --overwrite to replace it`,
    );
  }

  /** Refuses to continue, or to mend, a run with other tables or exports than it has. */
  #refuseOtherAdditions(found: RunIdentity, wanted: RunIdentity): void {
    const differences = additionDifferences(found, wanted);
    if (differences.length === 0) return;
    throw new InputError(
      `${this.path}: the run there is to be completed, and has other tables or exports: its inputs or options differ: ` +
        `${differences.join(', ')} (there -> here). Ask for those that it has; \`export\` adds others when it is ` +
        'finished. Or choose another --out, or --overwrite to replace it',
    );
  }

  #refuseOtherKernels(there: PlanOfRun, here: PlanOfRun): void {
    const [found, wanted] = [there.kernels, here.kernels];
    // Threads load what a plan says: it must be what was chosen here.
    if (sameBackend(found, wanted) && isDeepStrictEqual(there.choice, here.choice)) return;
    const option =
      found.backend === 'system'
        ? `--backend system --blas ${found.library} (if you trust that library)`
        : `--backend ${found.backend}`;
    // The same library in another version cannot be asked for, nor another adapter.
    const isElsewhere = found.backend !== wanted.backend || found.library !== wanted.library;
    throw new InputError(
      `${this.path}: the unfinished run there is computed by other kernels (${backendLabel(found)}) than this one ` +
        `(${backendLabel(wanted)}), whose last bits differ. ${isElsewhere ? `Give ${option}, or start` : 'Start'} ` +
        'again with --overwrite',
    );
  }

  #refuseOtherProcessor(records: readonly DoneRecord[]): void {
    const here = processorClass();
    const other = records.find(({ stage, processor }) => isKept({ stage }) && processor !== here);
    if (other === undefined) return;
    throw new InputError(
      `${this.path}: the unfinished run there was begun on ${other.host}, on another processor (${other.processor}) than ` +
        `this one (${here}), whose last bits differ. Continue it on a machine of that kind, or start again with --overwrite`,
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
    const isLost = !this.#flags.overwrite && this.#isOwn(file) && isMarker(path.join(this.path, MARKER_NAME));
    throw new InputError(
      isLost
        ? `${file}: exists, and neither manifest nor records tell of the run in ${this.path} any more. --overwrite makes ` +
            'it anew; or write elsewhere'
        : `${file}: exists, and no eigenshard run in ${this.path} wrote it. Move it away, or write elsewhere`,
    );
  }

  /** The error for a damaged manifest where no records tell what of the run is intact. */
  #lostRecords(cause: VerificationError): VerificationError {
    return new VerificationError(
      `${path.join(this.path, MANIFEST_NAME)}: is not as the run wrote it, and there are no records that tell what is ` +
        'intact. --overwrite makes the run anew; or choose another --out',
      { cause },
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
    removeUnfinished(this.path);
    for (const folder of new Set([...former].map((file) => path.dirname(file)))) {
      if (isInside(this.path, folder)) removeEmpty(folder, folder);
    }
  }

  /**
   * What manifest and records name, as far as they can be read, and a run may remove: its own names inside the
   * directory, and elsewhere only what this run will write again, for both files may come from anywhere. Where both are
   * lost, a directory with our mark has its files at the names that this run will take, and partitions tell themselves.
   */
  #formerFiles(targets: readonly string[]): Set<string> {
    const absolute = (name: string) => path.resolve(this.path, name);
    const rewritten = new Set(targets.map(absolute));
    const named = [...this.#namedByManifest(), ...this.#namedByRecords()].map(absolute);
    const own = [MANIFEST_NAME, PLAN_NAME, RECORDS_NAME, FORMER_JOURNAL].map(absolute);
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

  #namedByRecords(): string[] {
    const recorded = readable(() => this.#records());
    if (recorded === null) return [];
    const exports = recorded.plan.exports.map((file) => file.path);
    const files = recorded.records.flatMap((record) => record.files.map((file) => file.path));
    return [...exports, ...exports.map(unfinishedName), ...files];
  }
}

/** What former versions kept instead of plan and records. */
const FORMER_JOURNAL = 'journal.jsonl';

/** What tells a run from others, and what it is made of. */
export interface RunKey {
  /** Hex; null as long as the weights have not been read. */
  fingerprint: string | null;
  identity: RunIdentity;
}

/** A run that is asked for, as it would be planned. */
export interface WantedRun extends RunKey {
  plan: PlanOfRun;
}

/** How a run went, but for the record of the records, which end with the commit. */
type ExecutionToCommit = Omit<Manifest['execution'], 'records'>;

/** What an unfinished run is made from, with the weights where its scan is done. */
function identityOfPlan({ identity }: PlanOfRun, scanned: ScannedIdentity | null): RunIdentity {
  return { ...identity, model: { ...identity.model, contentSha256: scanned?.contentSha256 ?? '' } };
}

/** Whether a record is of a unit whose files a finished run keeps. */
function isKept({ stage }: Pick<DoneRecord, 'stage'>): boolean {
  return stage === 'identity' || stage === 'basis' || stage === 'project';
}

/** Whether a path, as it is written, lies in a directory. */
function isInside(directory: string, file: string): boolean {
  return file.startsWith(directory + path.sep);
}
