import { type Check, judge } from '../checks/verdict.js';
import type { Matrix } from '../linalg/matrix.js';
import type { ComparedPair } from './compared-pair.js';
import {
  basisError,
  identities,
  meanDisplacement,
  productError,
  traceError,
  weighted,
} from './comparison-checks.js';
import type { Displacements } from './measure-pairs.js';

/** What the way to a step was found of: covariances over all rows, centred, and displacements. */
export interface WayParts {
  a: Matrix<Float64Array>;
  b: Matrix<Float64Array>;
  x: Matrix<Float64Array>;
  /** Largest deviation of a product by its probe. */
  deviation: number;
  displacements: Displacements;
  /** M of A, [d, d]. */
  metric: Matrix<Float64Array>;
}

/** Judges the way to a step by identities that tie one computation to another. */
export function wayChecks(pair: ComparedPair, found: WayParts): Check[] {
  const { displacements } = found;
  const d = pair.a.source.columns;
  return [
    {
      name: 'products',
      what: 'Freivalds: || X r - A^T (B r) / n || / (||A|| ||B|| / n), of a random unit vector r; C alike',
      ...judge(found.deviation, productError(pair.count, 2 * d)),
    },
    { ...identities.coordinates, ...judge(displacements.deviation, basisError(d)) },
    { ...identities['mean square'], ...meanSquareVerdict(pair, found) },
  ];
}

function meanSquareVerdict(pair: ComparedPair, { a, b, x, displacements, metric }: WayParts) {
  const along = meanDisplacement(pair, displacements);
  const expected = traceOfWays(metric, { a, b, x }) + weighted(pair.a.basis.eigenvalues, along);
  const { causalNorm } = displacements.part;
  const measured = causalNorm.reduce((sum, norm) => sum + norm * norm, 0) / pair.count;
  const means = { a: pair.a.mean, b: pair.b.mean };
  return judge(Math.abs(measured - expected), 4 * traceError(pair, { a, b, means }));
}

/** tr(M (C_A + C_B - X - X^T)), of the covariance of b_i - a_i. */
function traceOfWays(
  { values: m, rows: d }: Matrix<Float64Array>,
  { a, b, x }: Pick<WayParts, 'a' | 'b' | 'x'>,
): number {
  let trace = 0;
  for (let j = 0; j < d; j++)
    for (let k = 0; k < d; k++) {
      const at = j * d + k;
      trace += m[at]! * (a.values[at]! + b.values[at]! - x.values[at]! - x.values[k * d + j]!);
    }
  return trace;
}

/** Of the checks of many steps the worst of each name. */
export class WorstChecks {
  readonly #worst = new Map<string, Check>();

  /** Adds checks. @param where they were made, as their detail says it */
  add(checks: readonly Check[], where: string): void {
    for (const check of checks) {
      const former = this.#worst.get(check.name);
      if (former === undefined || badness(check) > badness(former))
        this.#worst.set(check.name, { ...check, detail: where });
    }
  }

  all(): Check[] {
    return [...this.#worst.values()];
  }
}

/** Deviation in units of what is allowed. */
function badness({ measured, tolerance }: Check): number {
  return measured === 0 ? 0 : measured! / tolerance!;
}
