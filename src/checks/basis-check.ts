import { availableParallelism } from 'node:os';
import type { StoredEigenbasis } from '../linalg/eigenbasis.js';
import { OuterProducts } from '../linalg/outer-products.js';
import { Product } from '../linalg/product.js';
import { NOTEBOOK_ORTHONORMALITY_LIMIT } from './identities.js';
import { checkOrthonormality } from './orthonormality.js';
import { checkResidual, type Operator } from './residual.js';
import { storedVectors } from './stored-vectors.js';
import type { Check } from './verdict.js';

/** Hidden size below which to start threads takes longer than they save. */
const SMALL = 800;

/** Findings of identity 1. */
export interface BasisCheck {
  checks: Check[];
  /** Largest off-diagonal entry of V^T V, the notebook's figure, beside its limit. */
  offDiagonal: { maximum: number; limit: number };
}

/**
 * Judges identity 1, in float64, of a basis as it is stored: V^T V = I, and A V = V diag(eigenvalues).
 *
 * Time: that of d^3 / 2 multiplications and additions, and of walks over d^2 entries: a quarter of the decomposition's at
 * d = 2,560, less for a larger d; three times as many products where the residual is to be exact. Memory beyond basis and
 * operator: V^T in float64.
 *
 * @param operator A; null where it is not at hand: then the basis is not compared with it
 * @param isExact whether the residual is computed, not estimated
 */
export async function checkBasis(
  basis: StoredEigenbasis,
  operator: Operator | null,
  isExact = false,
): Promise<BasisCheck> {
  const d = basis.eigenvalues.length;
  const threads = d < SMALL ? 1 : availableParallelism();
  const vectors = storedVectors(basis.eigenvectors, d);
  const sums = await OuterProducts.create(threads);
  const { check: orthonormality, largestOffDiagonal } = await checkOrthonormality(vectors, sums);
  await sums.release();
  const checks = [orthonormality];
  if (operator !== null) {
    const eigenvalues = operator.symbol === 'M' ? basis.eigenvalues : basis.covarianceEigenvalues!;
    const product = await Product.create(threads);
    checks.push(await checkResidual({ ...vectors, eigenvalues }, operator, product, isExact));
    await product.release();
  }
  return { checks, offDiagonal: { maximum: largestOffDiagonal, limit: NOTEBOOK_ORTHONORMALITY_LIMIT } };
}
