/** Lines of a message that a person reads: whoever mends these sees the others next. */
const MOST_LINES = 20;

/** Joins the first lines of a message, and counts those that are left out. */
export function firstLines(lines: readonly string[]): string {
  if (lines.length <= MOST_LINES) return lines.join('\n');
  return [...lines.slice(0, MOST_LINES), `... and ${lines.length - MOST_LINES} more`].join('\n');
}
