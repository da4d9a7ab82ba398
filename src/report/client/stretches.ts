/** Stretch of whole numbers, both ends within. */
export interface Stretch {
  first: number;
  last: number;
}

/** Stretches of [0, length) in which something holds, ascending, each as long as can be. */
export function stretchesWhere(length: number, holds: (k: number) => boolean): Stretch[] {
  const found: Stretch[] = [];
  for (let k = 0; k < length; k++) {
    if (!holds(k)) continue;
    const latest = found.at(-1);
    if (latest?.last === k - 1) latest.last = k;
    else found.push({ first: k, last: k });
  }
  return found;
}

/** How many numbers stretches hold together. */
export function countOf(stretches: readonly Stretch[]): number {
  return stretches.reduce((sum, { first, last }) => sum + last - first + 1, 0);
}

/** Stretches for reading, '2 to 5, 9', the first eight of them. */
export function stretchesText(stretches: readonly Stretch[]): string {
  const named = stretches
    .slice(0, 8)
    .map(({ first, last }) => (first === last ? String(first) : `${first} to ${last}`));
  return `${named.join(', ')}${stretches.length > named.length ? ' and others' : ''}`;
}
