/** Whether a value is a number up to a tolerance, which is relative above 1 and absolute below. */
export function near(value: unknown, expected: number, tolerance = 1e-9): boolean {
  return Math.abs((value as number) - expected) <= tolerance * Math.max(1, Math.abs(expected));
}
