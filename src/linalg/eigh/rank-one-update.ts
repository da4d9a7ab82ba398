import { RunError } from '../../errors.js';
import { loadSecularKernels } from '../kernels/eigh-kernels.js';
import { KernelMemory } from '../kernels/kernel-memory.js';
import { deflate } from './deflation.js';

/**
 * Computes the eigenvalues of diag(d) + z z^T, by the secular equation: n^2 operations a few times over.
 *
 * @param d [n], ascending
 * @param z [n]
 * @returns [n], ascending
 */
export function rankOneUpdate(d: Float64Array, z: Float64Array): Float64Array {
  const norm = Math.hypot(...z);
  if (norm === 0) return d.slice();
  // What is negligible is told from a problem of norm about 1.
  const largest = d.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const scale = Math.max(largest, norm * norm);
  const rho = (norm / scale) * norm;
  const kept = deflate(
    d.map((value) => value / scale),
    z.map((value) => value / norm),
    rho,
    d.length,
  );
  const roots = [...kept.deflatedValues, ...rootsOf(kept, rho)];
  return Float64Array.from(roots, (root) => root * scale).sort();
}

function rootsOf({ d, z }: { d: Float64Array; z: Float64Array }, rho: number): Float64Array {
  const memory = new KernelMemory('give a matrix of fewer columns');
  const kernels = loadSecularKernels(memory);
  const count = d.length;
  // Kernels take vectors in pairs.
  const bytes = (count + 1) * 8;
  const regions = memory.allot({ d: bytes, squares: bytes, poles: bytes, offsets: bytes });
  regions.d.float64.set(d);
  regions.squares.float64.set(z.map((value) => value * value));
  const { poles, offsets } = regions;
  const failed = kernels.findRoots(
    regions.d.offset,
    regions.squares.offset,
    count,
    rho,
    poles.offset,
    offsets.offset,
  );
  if (failed >= 0)
    throw new RunError(`the secular equation of a rank-one update did not converge (root ${failed})`);
  return Float64Array.from({ length: count }, (_, j) => poles.float64[j]! + offsets.float64[j]!);
}
