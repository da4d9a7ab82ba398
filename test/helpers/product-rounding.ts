import { errorVariance } from '../../src/checks/rounding.js';
import { DEVIATIONS } from '../../src/checks/verdict.js';

/** How far a float32 product gamma . v of d terms may be off, relative to ||gamma||, in whatever direction v. */
export function productRounding(d: number): number {
  const { product, norm } = errorVariance(d);
  return DEVIATIONS * Math.sqrt(product + norm);
}
