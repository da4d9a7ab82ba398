import { processorClass } from '../../src/linalg/backend/processor-class.js';
import type { DoneRecord } from '../../src/output/done-records.js';
import { LAYOUT_VERSION } from '../../src/output/layout-version.js';
import { identityOfManifest } from '../../src/output/manifest-identity.js';
import type { WantedRun } from '../../src/output/run-directory.js';
import type { PlanOfRun } from '../../src/output/run-plan.js';
import { sampleManifest } from './sample-manifest.js';

const { execution } = sampleManifest();

/** The kernels that the plan and the records of `samplePlan` name. */
export const sampleKernels = execution.kernels;

/** A plan of the made-up run of `sampleManifest`: scans of 1500 rows, two partitions. It exports nothing. */
export function samplePlan(changes: Partial<PlanOfRun> = {}): PlanOfRun {
  const { model, ...identity } = identityOfManifest(sampleManifest({ exports: [] }));
  return {
    format: 'eigenshard-plan',
    layout: LAYOUT_VERSION,
    version: '1.2.3',
    started: execution.started,
    identity: { ...identity, model: { ...model, contentSha256: '' }, exports: [] },
    checkpoint: {
      path: '/models/made-up',
      source: {
        file: '/models/made-up/model.safetensors',
        byteOffset: 64,
        rows: model.rows,
        columns: model.hidden,
        dtype: 'bfloat16',
        tensor: 'lm_head.weight',
      },
      normalisation: null,
      revision: null,
      origin: null,
      notes: [],
    },
    metric: { source: 'computed', ridge: 1e-6 },
    exports: [],
    report: false,
    kernels: sampleKernels,
    choice: { backend: 'portable' },
    ...changes,
  };
}

/** An export of the projections, as a plan names it. */
export function npyExport(path: string): PlanOfRun['exports'][number] {
  return { kind: 'npy', holds: 'projections', path };
}

/** A run that is asked for, as `begin` and `finished` take it. @param fingerprint of another run, where it is to be one */
export function wantedRun(changes: Partial<PlanOfRun> = {}, fingerprint = 'one'): WantedRun {
  const plan = samplePlan(changes);
  const contentSha256 = contentOf(fingerprint);
  return {
    fingerprint,
    plan,
    identity: { ...plan.identity, model: { ...plan.identity.model, contentSha256 } },
  };
}

/** The hash of the weights of a run by its made-up fingerprint. */
export function contentOf(fingerprint: string): string {
  return Buffer.from(fingerprint.padEnd(32, '.')).toString('hex');
}

/** A record of a unit that this machine has done of a plan. */
export function doneRecord(
  plan: { sha256: string },
  unit: Pick<DoneRecord, 'stage'> & Partial<DoneRecord>,
): DoneRecord {
  return {
    unit: 0,
    plan: plan.sha256,
    files: [],
    part: null,
    results: {},
    kernels: sampleKernels,
    processor: processorClass(),
    host: 'a-machine',
    pid: 7,
    scheduler: null,
    started: '2024-05-06T07:08:10.000Z',
    seconds: 0.5,
    ...unit,
  };
}

/** The record of the stage `identity`, which tells of what weights a run is. */
export function identityRecord(plan: { sha256: string }, fingerprint = 'one'): DoneRecord {
  const results = { contentSha256: contentOf(fingerprint), fingerprint };
  return doneRecord(plan, { stage: 'identity', results });
}
