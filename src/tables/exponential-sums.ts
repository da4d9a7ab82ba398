/** Range of p in which exp(p) and its inverse are both float64 with room to be added up. */
const SAFE_RANGE = 600;

/** Logarithms of the sums of exp(p) and of exp(-p) over numbers, without overflow. */
export function logSumsOfExponentials(
  column: Float32Array,
  count: number,
  { minimum, maximum }: { minimum: number; maximum: number },
): [number, number] {
  let [plus, minus] = [0, 0];
  if (maximum - minimum < SAFE_RANGE) {
    const centre = (minimum + maximum) / 2;
    for (let i = 0; i < count; i++) {
      const power = Math.exp(column[i]! - centre);
      plus += power;
      minus += 1 / power;
    }
    return [centre + Math.log(plus), Math.log(minus) - centre];
  }
  for (let i = 0; i < count; i++) {
    plus += Math.exp(column[i]! - maximum);
    minus += Math.exp(minimum - column[i]!);
  }
  return [maximum + Math.log(plus), Math.log(minus) - minimum];
}

/** Logarithm of a sum of two numbers, of their logarithms. */
export function logOfSum(a: number, b: number): number {
  const largest = Math.max(a, b);
  return largest === Number.NEGATIVE_INFINITY
    ? largest
    : largest + Math.log1p(Math.exp(Math.min(a, b) - largest));
}
