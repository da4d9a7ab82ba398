/**
 * Finds the tokens of the largest values, the largest first, ties to the lowest id; those without a value are left out.
 *
 * @param count how many at most
 */
export function largestTokens(values: ArrayLike<number>, count: number): number[] {
  const found: number[] = [];
  for (let token = 0; token < values.length; token++) {
    const value = values[token]!;
    if (Number.isNaN(value)) continue;
    if (found.length === count && !(value > values[found[count - 1]!]!)) continue;
    let at = found.length;
    while (at > 0 && value > values[found[at - 1]!]!) at--;
    found.splice(at, 0, token);
    found.length = Math.min(found.length, count);
  }
  return found;
}
