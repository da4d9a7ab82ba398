import { type OpenFile, readBytes } from '../files/open-file.js';
import { type Dtype, decodeFloats, dtypeBytes } from './dtype.js';

/**
 * A tensor lying in a file: element (i, j, ...) is at `byteOffset` + width x (i strides[0] + j strides[1] + ...).
 * Row-major [r, c] has the strides (c, 1), column-major (1, r).
 */
export interface StridedTensor {
  dtype: Dtype;
  shape: readonly number[];
  /** In elements, not bytes; from 0. */
  strides: readonly number[];
  /** Place of element (0, 0, ...), from the start of the file. */
  byteOffset: number;
}

/**
 * Reads a tensor of any strides as float64, row-major and without gaps.
 *
 * Memory: the result, and the bytes of one run along the dimension that lies closest together.
 *
 * @throws InputError where an element lies beyond the file's end
 */
export async function readStrided(opened: OpenFile, tensor: StridedTensor): Promise<Float64Array> {
  const { dtype, byteOffset } = tensor;
  const width = dtypeBytes[dtype];
  const { run, outer, count } = planRuns(tensor);
  const values = new Float64Array(count);
  if (count === 0) return values;
  const span = (run.size - 1) * run.stride + 1;
  const decoded = new Float64Array(span);
  // Counts through the outer dimensions like an odometer, the closest one fastest, so that the file is read forwards.
  const position = outer.map(() => 0);
  let read = -1;
  for (let done = 0; done < count; done += run.size) {
    const from = dot(position, outer, 'stride');
    // Of repeated rows only the first is read: a file of some bytes may have any number of them.
    if (from !== read) {
      decodeFloats(await readBytes(opened, byteOffset + from * width, span * width), dtype, decoded);
      read = from;
    }
    let target = dot(position, outer, 'step');
    for (let i = 0; i < span; i += run.stride) {
      values[target] = decoded[i]!;
      target += run.step;
    }
    advance(position, outer);
  }
  return values;
}

/** One dimension: its size, its stride in the file and its stride in the row-major result, both in elements. */
interface Dimension {
  size: number;
  stride: number;
  step: number;
}

/** The dimensions in the order of the file, widest stride first; the last one is the run that a read takes whole. */
function planRuns({ shape, strides }: StridedTensor) {
  const dimensions: Dimension[] = [];
  let count = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const size = shape[axis]!;
    if (size !== 1) dimensions.push({ size, stride: strides[axis]!, step: count });
    count *= size;
  }
  dimensions.sort((a, b) => b.stride - a.stride || a.size - b.size);
  // A repeated dimension (stride 0) is no run: its elements are one element of the file.
  const last = dimensions.findLastIndex(({ stride }) => stride > 0);
  const run = last < 0 ? { size: 1, stride: 1, step: 1 } : dimensions[last]!;
  return { run, outer: dimensions.filter((_, index) => index !== last), count };
}

function dot(position: readonly number[], dimensions: readonly Dimension[], by: 'stride' | 'step'): number {
  return position.reduce((sum, index, axis) => sum + index * dimensions[axis]![by], 0);
}

function advance(position: number[], dimensions: readonly Dimension[]): void {
  for (let axis = position.length - 1; axis >= 0; axis--) {
    position[axis]!++;
    if (position[axis]! < dimensions[axis]!.size) return;
    position[axis] = 0;
  }
}
