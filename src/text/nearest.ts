import { shownValue } from './shown-value.js';

/** Finds the known word that a mistyped one is likely to mean; null where none is near. */
export function nearest(word: string, known: readonly string[]): string | null {
  let best: string | null = null;
  // A third of its letters may be wrong.
  let least = Math.ceil(word.length / 3) + 1;
  for (const candidate of known) {
    // A distance is at least the difference of the lengths, which keeps a word of megabytes from being compared.
    if (Math.abs(word.length - candidate.length) >= least) continue;
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase());
    if (distance < least && distance < candidate.length) [best, least] = [candidate, distance];
  }
  return best;
}

/** Says what a name of several may have meant, and which there are: '"nrm" (did you mean "norm"?); there are norm, text'. */
export function unknownName(name: unknown, known: readonly string[]): string {
  const meant = typeof name === 'string' ? nearest(name, known) : null;
  const hint = meant === null ? '' : ` (did you mean "${meant}"?)`;
  return `${shownValue(name)}${hint}; there are ${known.join(', ')}`;
}

/** The fewest letters to be inserted, left out, exchanged, or swapped with the next one. */
function editDistance(a: string, b: string): number {
  const rows = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const isSame = a[i - 1] === b[j - 1];
      let cost = Math.min(rows[i - 1]![j]! + 1, row[j - 1]! + 1, rows[i - 1]![j - 1]! + (isSame ? 0 : 1));
      const isSwapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (isSwapped) cost = Math.min(cost, rows[i - 2]![j - 2]! + 1);
      row.push(cost);
    }
    rows.push(row);
  }
  return rows[a.length]![b.length]!;
}
