import { counted } from '../text/figures.js';

/** Verdict of a check on an identity. */
export type Verdict = 'passed' | 'failed' | 'differs' | 'not applicable';

/** Check of one identity of a run: what was measured, and how far it may be off. */
export interface Check {
  name: string;
  /** Identity in words and symbols. */
  what: string;
  measured: number | null;
  tolerance: number | null;
  /**
   * Verdict; 'differs' marks an identity that only holds for this checkpoint's own covariance, when a given
   * metric turns out to be another's: a property of the input, not a fault of the run.
   */
  verdict: Verdict;
  detail?: string;
  /** Unit in which a person is shown the two figures; absent where they have none. */
  unit?: { name: string; size: number };
}

/** Verification of a run: every check, and the notebook's own two figures beside their limits. */
export interface Verification {
  passed: boolean;
  checks: Check[];
  /** Difference | ||gamma_i|| - ||p_i|| | over all rows. */
  normDifference: { maximum: number; mean: number; limit: number };
  /** Largest off-diagonal entry of V^T V. */
  offDiagonal: { maximum: number; limit: number };
}

/** Figures of a check in its unit, and what to say of the unit behind them; null where nothing was measured. */
export function shownFigures({
  measured,
  tolerance,
  unit,
}: Check): { measured: number; tolerance: number; unit: string } | null {
  if (measured === null || tolerance === null) return null;
  const { name, size } = unit ?? { name: null, size: 1 };
  return {
    measured: measured / size,
    tolerance: tolerance / size,
    unit: name === null ? '' : `in units of ${name}`,
  };
}

/** Standard deviations that a healthy run may be off by: a normal error is beyond them once in 10^15. */
export const DEVIATIONS = 8;

/** Says how many of the checks failed, and which; null where none did. */
export function failedText(checks: readonly Check[]): string | null {
  const failed = checks.filter(({ verdict }) => verdict === 'failed').map(({ name }) => name);
  if (failed.length === 0) return null;
  return `${failed.length} of ${counted(checks.length, 'check')} failed (${failed.join(', ')})`;
}

/** What a check finds, beside its name. */
export type Judged = Pick<Check, 'measured' | 'tolerance' | 'verdict' | 'detail'>;

/** Judges a deviation by its tolerance; NaN and infinity fail. */
export function judge(
  measured: number,
  tolerance: number,
): { measured: number; tolerance: number; verdict: Verdict } {
  const isWithin = Number.isFinite(measured) && measured <= tolerance;
  return { measured, tolerance, verdict: isWithin ? 'passed' : 'failed' };
}

/** Judges nothing. @param detail why the check does not apply */
export function notApplicable(detail: string): Judged & { detail: string } {
  return { measured: null, tolerance: null, verdict: 'not applicable', detail };
}
