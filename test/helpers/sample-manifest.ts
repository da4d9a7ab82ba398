import { LAYOUT_VERSION, type Manifest } from '../../src/output/manifest.js';

/** A manifest of a made-up run of two partitions, with one export. */
export function sampleManifest(changes: Partial<Manifest> = {}): Manifest {
  const record = (path: string, bytes: number) => ({ path, bytes, sha256: 'ab'.repeat(32), crc32: 5 });
  const moments = { minimum: 0.5, maximum: 2, mean: 1.25, standardDeviation: 0.125 };
  return {
    format: 'eigenshard-run',
    layout: LAYOUT_VERSION,
    version: '1.2.3',
    fingerprint: 'f00d'.repeat(16),
    model: {
      name: 'made/up',
      path: 'models/made-up',
      revision: null,
      origin: null,
      tensor: 'lm_head.weight',
      dtype: 'bfloat16',
      rows: 1500,
      hidden: 64,
      contentSha256: 'cd'.repeat(32),
    },
    metric: {
      source: 'computed',
      path: 'metric.safetensors',
      tensor: 'M',
      dtype: 'float64',
      sha256: 'ef'.repeat(32),
      file: record('metric.safetensors', 66_000),
      ridge: 1e-6,
      asymmetry: null,
    },
    options: { rows: 'all', format: 'parquet', partitionRows: 1000, exports: ['npy'] },
    eigenvalues: {
      minimum: 95.35,
      maximum: 94_217.94,
      mean: 2713.64,
      median: 2498.26,
      trace: 173_672.96,
      conditionNumber: 988.13,
      logDeterminant: 500,
      participationRatio: 33.25,
      covarianceParticipationRatio: 20,
      identityDistance: { frobenius: 150_000, spectral: 94_216.94 },
    },
    projections: {
      shape: [1500, 64],
      bytes: 1500 * 64 * 4,
      minimum: -0.8,
      maximum: 0.73,
      mean: 0.0001,
      standardDeviation: 0.0217,
    },
    norms: { euclidean: moments, causal: { ...moments, maximum: 85.2873 } },
    verification: {
      passed: true,
      checks: [
        {
          name: 'probe',
          what: 'in symbols',
          measured: 1e-7,
          tolerance: 1e-5,
          verdict: 'passed',
          detail: 'where',
        },
        {
          name: 'column variances',
          what: 'in symbols',
          measured: 12,
          tolerance: 1,
          verdict: 'differs',
          detail: 'why it differs',
        },
      ],
      normDifference: { maximum: 1.79e-6, mean: 6.27e-7, limit: 1e-4 },
      offDiagonal: { maximum: 2.74e-5, limit: 1e-5 },
    },
    eigenbasis: record('eigenbasis.safetensors', 17_600),
    partitions: [
      { first: 0, count: 1000, files: [record('projections/parquet/part-00000.parquet', 260_000)], crc32: 7 },
      {
        first: 1000,
        count: 500,
        files: [record('projections/parquet/part-00001.parquet', 130_000)],
        crc32: 8,
      },
    ],
    tables: null,
    exports: [
      {
        kind: 'npy',
        holds: 'projections',
        path: '/elsewhere/p.npy',
        bytes: 384_128,
        sha256: 'f00d',
        byteOffset: 128,
      },
    ],
    report: null,
    execution: {
      journal: null,
      started: '2024-05-06T07:08:09.000Z',
      finished: '2024-05-06T07:09:09.000Z',
      workers: 8,
      kernels: {
        backend: 'portable',
        library: 'a library',
        version: '1.0',
        float32: 'a library 1.0',
      },
      seconds: { scan: 0.25, projection: 1.5 },
      peakMemoryBytes: 1_500_000_000,
      machine: { processor: 'a processor', cores: 8, node: 'v20.19.0', platform: 'linux-x64' },
    },
    ...changes,
  };
}
