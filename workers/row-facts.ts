import type { Tasks } from '../src/executor/tasks.js';
import { memory } from './context.js';
import { endIfInterrupted } from './interruption.js';
import { neighbourKernels } from './neighbour-kernels.js';
import { columnBytes, readColumns } from './partition-columns.js';

/** Columns that are folded between two looks at the interruption. */
const STEP_COLUMNS = 256;

/** Reads one partition, and says of its rows how long they are, and which may be equal. */
export async function rowFacts(input: Tasks['rowFacts']['input']): Promise<Tasks['rowFacts']['result']> {
  const { rows, hidden: d, mean, eigenvalues, keys } = input;
  const ofRows = rows.count * 8;
  const regions = memory.allot({
    ...columnBytes([input]),
    mean: d * 8,
    lambda: d * 8,
    keys: 2 * d * 8,
    squares: ofRows,
    centred: ofRows,
    causal: ofRows,
    hashes: ofRows,
    otherHashes: ofRows,
  });
  regions.mean.float64.set(mean);
  regions.lambda.float64.set(eigenvalues);
  regions.keys.bytes.set(new Uint8Array(keys.buffer, keys.byteOffset, keys.byteLength));
  const { squares, centred, causal, hashes, otherHashes } = regions;
  for (const region of [squares, centred, causal, hashes, otherHashes]) region.bytes.fill(0);
  const { offset, columnStride } = await readColumns(input, regions);
  for (let first = 0; first < d; first += STEP_COLUMNS) {
    endIfInterrupted();
    neighbourKernels.foldRows(
      offset + first * columnStride,
      rows.count,
      Math.min(STEP_COLUMNS, d - first),
      columnStride,
      regions.mean.offset + first * 8,
      regions.lambda.offset + first * 8,
      regions.keys.offset + first * 8,
      d * 8,
      squares.offset,
      centred.offset,
      causal.offset,
      hashes.offset,
      otherHashes.offset,
    );
  }
  const bits = (bytes: Uint8Array) => new BigUint64Array(bytes.slice().buffer);
  return {
    norms: squares.float64.map(Math.sqrt),
    centredNorms: centred.float64.map(Math.sqrt),
    centredCausalNorms: causal.float64.map(Math.sqrt),
    hashes: [bits(hashes.bytes), bits(otherHashes.bytes)],
  };
}
