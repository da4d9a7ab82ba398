import type { Tasks } from '../src/executor/tasks.js';
import { memory } from './context.js';
import { endIfInterrupted } from './interruption.js';
import { neighbourKernels } from './neighbour-kernels.js';
import { columnBytes, readColumns } from './partition-columns.js';

/** Reads one partition, and says of its rows how long they are, and which may be equal. */
export async function rowFacts(input: Tasks['rowFacts']['input']): Promise<Tasks['rowFacts']['result']> {
  const { rows, hidden: d, mean, eigenvalues, keys } = input;
  // Rows are read by pairs.
  const ofRows = (rows.count + 1) * 8;
  const regions = memory.allot({
    ...columnBytes([input]),
    ...{ mean: d * 8, weights: d * 8, keys: d * 8 },
    ofRows,
  });
  const { offset, columnStride } = await readColumns(input, regions);
  const norms = (centre: Float64Array | 0, weights: Float64Array | 1): Float64Array => {
    endIfInterrupted();
    fill(regions.mean.float64, centre);
    fill(regions.weights.float64, weights);
    regions.ofRows.bytes.fill(0);
    neighbourKernels.addNorms(
      offset,
      rows.count,
      d,
      columnStride,
      regions.mean.offset,
      regions.weights.offset,
      regions.ofRows.offset,
    );
    return regions.ofRows.float64.subarray(0, rows.count).map(Math.sqrt);
  };
  const hashes = (own: BigUint64Array): BigUint64Array => {
    endIfInterrupted();
    regions.keys.bytes.set(new Uint8Array(own.buffer, own.byteOffset, own.byteLength));
    regions.ofRows.bytes.fill(0);
    neighbourKernels.addHashes(
      offset,
      rows.count,
      d,
      columnStride,
      regions.keys.offset,
      regions.ofRows.offset,
    );
    return new BigUint64Array(regions.ofRows.bytes.slice(0, rows.count * 8).buffer);
  };
  return {
    norms: norms(0, 1),
    centredNorms: norms(mean, 1),
    centredCausalNorms: norms(mean, eigenvalues),
    hashes: [hashes(keys.subarray(0, d)), hashes(keys.subarray(d))],
  };
}

function fill(target: Float64Array, values: Float64Array | number): void {
  if (typeof values === 'number') target.fill(values);
  else target.set(values);
}
