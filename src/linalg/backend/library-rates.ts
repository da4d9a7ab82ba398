import type { BackendIdentity } from './backend.js';

/** How fast a library multiplies on one kind of processor: its rate as a part of onnxruntime's there. */
export interface LibraryRates {
  /** As `processorFamily` names it. */
  processor: string;
  /** What the library's version begins with. */
  library: string;
  float32: number;
  float64: number;
  /** Of adding up products of few columns in float64, as a covariance does; missing where it was not measured. */
  sums?: number;
}

/**
 * Libraries that were measured beside onnxruntime, by benchmarks/product: the rows that it printed into benchmarks/RESULTS.md,
 * one for each kind of processor there, in that order. All cores were busy, and multiplied 512 rows with 2560 x 2560 at a
 * time; sums were those of tiles of a covariance.
 */
export const measuredRates: readonly LibraryRates[] = [
  {
    processor: 'AuthenticAMD family 26 with AVX-512',
    library: 'OpenBLAS 0.3.21',
    float32: 0.54,
    float64: 0.6,
  },
  {
    processor: 'AuthenticAMD family 25 with AVX-512',
    library: 'OpenBLAS 0.3.21',
    float32: 0.94,
    float64: 1.46,
    sums: 0.93,
  },
];

/**
 * Finds how fast a library multiplies on a kind of processor; null where nobody has measured it.
 *
 * @param identity of the library's backend
 * @param processor as `processorFamily` names it
 * @param table rows to look in
 */
export function libraryRates(
  { version }: Pick<BackendIdentity, 'version'>,
  processor: string,
  table: readonly LibraryRates[] = measuredRates,
): LibraryRates | null {
  const isOf = (row: LibraryRates) => row.processor === processor && version.startsWith(`${row.library} `);
  return table.find(isOf) ?? null;
}
