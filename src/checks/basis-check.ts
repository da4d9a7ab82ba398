import { availableParallelism } from 'node:os';
import type { StoredEigenbasis } from '../linalg/eigenbasis.js';
import { Product } from '../linalg/product.js';
import { NOTEBOOK_ORTHONORMALITY_LIMIT, FLOAT32_ROUNDOFF as u } from './identities.js';
import { type Check, judge } from './verdict.js';

/** Columns of V^T V, and rows of the residual, computed at a time. */
const BLOCK = 256;

/** Findings of identity 1. */
export interface BasisCheck {
  checks: Check[];
  /** Largest off-diagonal entry of V^T V, the notebook's figure, beside its limit. */
  offDiagonal: { maximum: number; limit: number };
}

/** Symmetric matrix that a basis diagonalises: C where it was computed, else the given M. */
export interface Operator {
  symbol: 'C' | 'M';
  /** float64 [d, d]. */
  matrix: Float64Array;
}

/**
 * Judges identity 1, in float64, of a basis as it is stored.
 * @param operator null where it is not at hand: then the basis is not compared with it
 */
export async function checkBasis(basis: StoredEigenbasis, operator: Operator | null): Promise<BasisCheck> {
  const d = basis.eigenvalues.length;
  const product = await Product.create(availableParallelism());
  const v = { values: Float64Array.from(basis.eigenvectors), rows: d, columns: d };
  const gram = { diagonal: 0, offDiagonal: 0 };
  const squares = { residual: 0, operator: 0 };
  const diagonal = operator === null ? null : eigenvaluesOf(basis, operator);
  for (let first = 0; first < d; first += BLOCK) {
    const rows = Math.min(BLOCK, d - first);
    const out = { values: new Float64Array(rows * d), rows, columns: d };

    await product.multiply(transposedColumns(v.values, d, first, rows), v, out);
    foldGram(out.values, d, first, gram);

    if (operator === null || diagonal === null) continue;
    const block = operator.matrix.subarray(first * d, (first + rows) * d);
    await product.multiply({ values: block, rows, columns: d }, v, out);
    for (let k = 0; k < block.length; k++) {
      const residual = out.values[k]! - v.values[first * d + k]! * diagonal[k % d]!;
      squares.residual += residual * residual;
      squares.operator += block[k]! * block[k]!;
    }
  }
  await product.release();

  const orthonormality: Check = {
    name: 'orthonormality',
    what: 'max | V^T V - I |',
    // Each stored vector is off by at most u in norm, so a dot product of two by at most 2 u + u^2.
    ...judge(Math.max(gram.diagonal, gram.offDiagonal), 2.5 * u + d * Number.EPSILON),
  };
  return {
    checks:
      operator === null || diagonal === null
        ? [orthonormality]
        : [orthonormality, residualCheck(operator.symbol, diagonal, squares)],
    offDiagonal: { maximum: gram.offDiagonal, limit: NOTEBOOK_ORTHONORMALITY_LIMIT },
  };
}

/** Eigenvalues of the operator in the order of the basis. */
function eigenvaluesOf(basis: StoredEigenbasis, { symbol }: Operator): Float64Array {
  return symbol === 'C' ? basis.covarianceEigenvalues! : basis.eigenvalues;
}

/**
 * Judges A V - V diag(eigenvalues).
 * @param squares sums of squares of the residual's and of the operator's entries
 */
function residualCheck(
  symbol: Operator['symbol'],
  eigenvalues: Float64Array,
  squares: { residual: number; operator: number },
): Check {
  const d = eigenvalues.length;
  const spectralNorm = eigenvalues.reduce((norm, value) => Math.max(norm, Math.abs(value)), 0);
  const frobeniusNorm = Math.sqrt(squares.operator);
  return {
    name: 'residual',
    what: `||${symbol} V - V diag(${symbol === 'C' ? 'c' : 'lambda'})||_F / ||${symbol}||_F`,
    // Storing V as float32 moves it by at most u sqrt(d) in the Frobenius norm, and A E - E D by twice ||A||_2 that.
    ...judge(
      Math.sqrt(squares.residual) / frobeniusNorm,
      (2 * u * Math.sqrt(d) * spectralNorm) / frobeniusNorm + d * Number.EPSILON,
    ),
  };
}

/** Columns [first, first + count) of a [d, d] matrix as rows. */
function transposedColumns(values: Float64Array, d: number, first: number, count: number) {
  const out = new Float64Array(count * d);
  for (let i = 0; i < d; i++) {
    for (let j = 0; j < count; j++) out[j * d + i] = values[i * d + first + j]!;
  }
  return { values: out, rows: count, columns: d };
}

/** Folds rows [first, ...) of V^T V into the largest deviations from I; a NaN stays. */
function foldGram(
  rows: Float64Array,
  d: number,
  first: number,
  worst: { diagonal: number; offDiagonal: number },
): void {
  for (let k = 0; k < rows.length; k++) {
    const onDiagonal = k % d === first + Math.floor(k / d);
    const deviation = Math.abs(onDiagonal ? rows[k]! - 1 : rows[k]!);
    const key = onDiagonal ? 'diagonal' : 'offDiagonal';
    if (deviation > worst[key] || Number.isNaN(deviation)) worst[key] = deviation;
  }
}
