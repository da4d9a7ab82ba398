import { expectedMetric } from '../checks/expected.js';
import { type Measurements, mergeMeasurements } from '../checks/measurements.js';
import { summationOf } from '../checks/rounding.js';
import type { VerifiedFile } from '../files/file-record.js';
import type { DoneRecord } from '../output/done-records.js';
import { weighingOfTables } from '../output/run-identity.js';
import { readVerifiedUnit } from '../output/unit-parts.js';
import { emptyTables, type MergedTables } from '../tables/merged-tables.js';
import type { Basis } from './basis.js';
import { judgeApart } from './judge-apart.js';
import type { VerificationResult } from './judge-run.js';
import type { SettledIdentity } from './settle-identity.js';
import type { UnitRun } from './unit-run.js';

/** What the units of the stage `verify` have left, as it is merged. */
export class VerifiedUnits {
  readonly #run: UnitRun;
  readonly #basis: Basis;
  readonly #weights: Float64Array | null;
  readonly #measurements: Measurements[] = [];
  readonly #files: VerifiedFile[][] = [];
  /** Tables of the run, of the units taken so far; null where none are wanted. */
  readonly tables: MergedTables | null;

  /** Begins with none. @param identity mu, and the weights of the rows */
  constructor(
    run: UnitRun,
    basis: Basis,
    { scan, weights }: Pick<SettledIdentity, 'weights'> & { scan: Pick<SettledIdentity['scan'], 'mean'> },
  ) {
    const { tables } = run.plan.identity;
    this.#run = run;
    this.#basis = basis;
    this.#weights = weights;
    this.tables =
      tables === null
        ? null
        : emptyTables(basis.stored, scan.mean, {
            rows: run.plan.units.rows,
            top: tables.top,
            ...weighingOfTables(run.plan.identity),
          });
  }

  /** Takes what a unit has left, in any order. */
  add(record: DoneRecord): void {
    const { unit } = record;
    const { measurements, files, tables } = readVerifiedUnit(this.#run.store, record);
    this.#measurements[unit] = measurements;
    this.#files[unit] = files;
    if (tables !== null) this.tables?.add(tables, this.#run.plan.units.partitions[unit]!.rows, unit);
  }

  /** Judges what all units have measured, once; where that takes a while, this thread is free meanwhile. */
  async judged(): Promise<VerificationResult> {
    const { metric } = this.#basis;
    const judgement = await judgeApart(mergeMeasurements(this.#measurements.splice(0)), {
      basis: this.#basis.stored,
      basisCheck: this.#basis.check,
      ridge: metric.ridge,
      metric: expectedMetric(metric),
      summation: summationOf(this.#run.plan.kernels),
      hasCheckpoint: true,
      mean: null,
      weights: this.#weights,
    });
    return { files: this.#files, ...judgement };
  }
}
