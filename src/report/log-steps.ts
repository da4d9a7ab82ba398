/** Steps in which a value e times as large is reached: half a step is a tenth of a percent. */
const STEPS = 512;

/** Step of the value 1. */
const ONE = 2 ** 15;

/** Step of a positive value, which 16 bits hold, on a logarithmic scale; 0 of 0 alone. */
export function logStep(value: number): number {
  if (value === 0) return 0;
  return Math.min(Math.max(ONE + Math.round(STEPS * Math.log(value)), 1), 2 ** 16 - 1);
}

/** Value of a step, to a tenth of a percent. */
export function ofLogStep(step: number): number {
  return step === 0 ? 0 : Math.exp((step - ONE) / STEPS);
}
