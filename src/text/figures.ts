/** A value for reading: at most four decimals, or a power of ten where those say little. */
export function fixed(value: number): string {
  const magnitude = Math.abs(value);
  if (magnitude !== 0 && (magnitude < 1e-3 || magnitude >= 1e7)) return figure(value);
  return value.toLocaleString('en-US', { maximumFractionDigits: magnitude < 100 ? 4 : 2 });
}

/** A deviation or a tolerance: three digits and a power of ten. */
export function figure(value: number): string {
  return value === 0 ? '0' : value.toExponential(2);
}

/** A whole number with thousands apart. */
export function count(value: number): string {
  return value.toLocaleString('en-US');
}
