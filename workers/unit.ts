import { summationOf } from '../src/checks/rounding.js';
import { EigenshardError, InputError } from '../src/errors.js';
import type { Tasks, UnitInput, VerifyInput } from '../src/executor/tasks.js';
import { withGuard } from '../src/files/guarded-directory.js';
import { isMissing } from '../src/files/system-error.js';
import { freeBuffer } from '../src/linalg/free-buffer.js';
import { type DoneRecord, publishRecord, readRecord, recordName } from '../src/output/done-records.js';
import { locateEigenvectors } from '../src/output/eigenbasis-file.js';
import { fileMetadata } from '../src/output/file-metadata.js';
import { LAYOUT_VERSION } from '../src/output/layout-version.js';
import { recordUnit } from '../src/output/record-unit.js';
import { weighingOfTables } from '../src/output/run-identity.js';
import { type RunPlan, readPlan, refuseOtherPlan } from '../src/output/run-plan.js';
import { scannedIdentity } from '../src/output/run-records.js';
import { directoryStore, type RunStore } from '../src/output/run-store.js';
import {
  basisFilesOf,
  type CovarianceArrays,
  findingsOfScan,
  findingsOfVerification,
  problemsOf,
  readBasisArrays,
  readIdentityArrays,
  type UnitFindings,
  writtenFilesOf,
} from '../src/output/unit-parts.js';
import { covarianceUnits } from '../src/plan/covariance-units.js';
import type { RowRange } from '../src/plan/row-ranges.js';
import type { StageName } from '../src/plan/stages.js';
import { tableSettings } from '../src/tables/part.js';
import { endIfInterrupted } from './interruption.js';

/** A run as its units see it: what lies in its directory. */
interface RunOnDisk {
  input: UnitInput;
  plan: RunPlan;
  store: RunStore;
}

/** The work of the stages whose units run in threads. Each loads what it does: a process may compute one stage only. */
const work: Partial<Record<StageName, (run: RunOnDisk) => Promise<UnitFindings>>> = {
  scan: scanUnit,
  covariance: covarianceUnit,
  project: projectUnit,
  verify: verifyUnit,
};

/** Plan that was read last: the units of a run follow each other. */
let held: RunPlan | undefined;

/**
 * Computes one unit of a run from what lies in its directory, and publishes first what it has made, then its record. The
 * record of a verification that has found a problem is not published: nobody is to rely on it.
 *
 * @throws InputError where, without a lock, the plan is not that of the input, then or before anything is published
 */
export async function unit(input: Tasks['unit']['input']): Promise<Tasks['unit']['result']> {
  const { directory, lock } = input;
  const store = directoryStore(directory, { durable: lock === null, lock });
  if (lock !== null) return computed(input, store);
  const check = () => refuseOtherPlan(store, directory, input.plan);
  return withGuard(directory, check, () => computed(input, store));
}

async function computed(input: UnitInput, store: RunStore): Promise<DoneRecord> {
  const { stage, unit: number, maker } = input;
  const started = Date.now();
  const plan = planOf(input, store);
  const compute = work[stage];
  if (compute === undefined) throw new RangeError(`${stage} is no stage of threads`);
  const findings = await patiently(input, () => compute({ input, plan, store }));
  const recorder = { store, maker, plan: plan.sha256 };
  const record = recordUnit(recorder, { stage, unit: number }, findings, started);
  // Megabytes each: the next unit comes before the garbage collector does.
  for (const { buffer } of Object.values(findings.part ?? {})) freeBuffer(buffer as ArrayBuffer);
  return problemsOf(record).length > 0 ? record : publishRecord(store, record);
}

/** Milliseconds in which a network file system shows a file that another machine has written. */
const PATIENCE_MS = 60_000;

/** Tries again, where other machines compute as well, what fails because a file is not there that a record names. */
async function patiently<Result>({ lock }: UnitInput, compute: () => Promise<Result>): Promise<Result> {
  for (const started = Date.now(); ; ) {
    try {
      return await compute();
    } catch (error) {
      const isHidden = error instanceof EigenshardError && isMissing(error.cause);
      if (lock !== null || !isHidden || Date.now() - started > PATIENCE_MS) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, 500));
    endIfInterrupted();
  }
}

function planOf({ directory, plan: sha256 }: UnitInput, store: RunStore): RunPlan {
  refuseOtherPlan(store, directory, sha256);
  if (held?.sha256 === sha256) return held;
  held = readPlan(store, directory)!;
  return held;
}

async function scanUnit({ plan, input }: RunOnDisk): Promise<UnitFindings> {
  const rows = plan.units.scans[input.unit]!;
  const { scan } = await import('./scan.js');
  const hashRows = plan.identity.tables !== null || plan.weights?.kind === 'unique';
  return findingsOfScan(await scan({ source: input.source, rows, hashRows }));
}

async function covarianceUnit(run: RunOnDisk): Promise<UnitFindings> {
  const { input, plan } = run;
  const { covariance } = await import('./covariance.js');
  const unit = covarianceUnits(plan.units.rows, plan.units.hidden)[input.unit]!;
  const found = readIdentityArrays(run.store, upstream(run, 'identity'));
  const mean = found.unfoldedMean ?? found.mean;
  // A norm is folded into the merged covariance, in float64.
  const { fold: _, ...source } = input.source;
  const { sums } = await covariance({
    ...unit,
    source,
    mean,
    weights: plan.weights === undefined ? undefined : weightsOf(run, unit.rows),
    backend: plan.choice,
  });
  const part = { outerSums: sums } satisfies CovarianceArrays;
  return { files: [], part, results: {} };
}

async function projectUnit(run: RunOnDisk): Promise<UnitFindings> {
  const { plan, input } = run;
  const { units, choice } = plan;
  const { project } = await import('./project.js');
  const { rows, parquet, arrow } = units.partitions[input.unit]!;
  const [eigenbasis] = basisFilesOf(upstream(run, 'basis'));
  const { files, isUncached } = await project({
    source: input.source,
    rows,
    eigenvectors: await locateEigenvectors(input.directory, units.hidden, eigenbasis),
    backend: choice,
    threads: input.threads,
    directory: input.directory,
    lock: input.lock,
    parquet,
    arrow,
    metadata: metadataOf(run),
    durable: input.lock === null,
  });
  return { files, part: null, results: {}, isUncached };
}

async function verifyUnit(run: RunOnDisk): Promise<UnitFindings> {
  const { verify } = await import('./verify.js');
  const { problems, files, tables, ...measured } = await verify(verification(run));
  return findingsOfVerification({ measurements: { ...measured, problems }, files, tables });
}

function verification(run: RunOnDisk): VerifyInput {
  const { plan, input, store } = run;
  const { units, identity } = plan;
  const { rows, parquet, arrow } = units.partitions[input.unit]!;
  const projected = upstream(run, 'project', input.unit);
  const written = writtenFilesOf(projected);
  const expected = (name: string | null) => {
    const file = written.find(({ path }) => path === name);
    return file === undefined ? null : { ...file, sha256: null };
  };
  const { eigenvalues, probeVectors, probeImages, likeEntries, means } = readBasisArrays(
    store,
    upstream(run, 'basis'),
  );
  return {
    source: input.source,
    hidden: units.hidden,
    rows,
    directory: input.directory,
    parquet: expected(parquet),
    arrow: expected(arrow),
    isUncached: projected.isUncached === true,
    metadata: metadataOf(run),
    eigenvalues,
    probe: { vectors: probeVectors, images: probeImages },
    summation: summationOf(plan.kernels),
    likeEntries: likeEntries?.[0] ?? 1,
    weighing: plan.weights === undefined ? undefined : { weights: weightsOf(run, rows), means },
    tables:
      identity.tables === null
        ? null
        : tableSettings(eigenvalues, means, {
            rows: units.rows,
            top: identity.tables.top,
            ...weighingOfTables(identity),
          }),
  };
}

/** Weights of some rows of a run that weighs them. */
function weightsOf(run: RunOnDisk, { first, count }: RowRange): Float64Array {
  return readIdentityArrays(run.store, upstream(run, 'identity')).weights!.slice(first, first + count);
}

/** Key-value metadata of every file of the run. */
function metadataOf(run: RunOnDisk): Record<string, string> {
  const { fingerprint } = scannedIdentity([upstream(run, 'identity')])!;
  return fileMetadata(fingerprint, LAYOUT_VERSION, run.plan.identity.model.name);
}

/** Record of a unit that this one needs. @throws InputError where it is not done */
function upstream({ store, plan, input }: RunOnDisk, stage: StageName, unit = 0): DoneRecord {
  const record = readRecord(store, { stage, unit });
  if (record !== null && record.plan === plan.sha256) return record;
  throw new InputError(
    `${input.directory}: ${recordName({ stage, unit })} is not there, which ${input.stage} needs; run the stage ` +
      `${stage} to its end first`,
  );
}
