import { availableParallelism, cpus, totalmem } from 'node:os';

export { alignedRows } from '../src/text/aligned-rows.js';

/** Line that names the machine and the day, which belong to every figure. */
export function machineLine(): string {
  const memory = (totalmem() / 2 ** 30).toFixed(0);
  const day = new Date().toISOString().slice(0, 10);
  return `${cpus()[0]?.model.trim()}, ${availableParallelism()} cores, ${memory} GiB, Node ${process.version}, ${day}`;
}

/** Median of values; the mean of the middle two where their number is even. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** Spread of values as text: 'median (minimum to maximum)'. */
export function spread(values: readonly number[], digits = 2): string {
  const text = (value: number) => value.toFixed(digits);
  return `${text(median(values))} (${text(Math.min(...values))} to ${text(Math.max(...values))})`;
}

/** Numbers separated by commas, as an option gives them. @throws RangeError when one is not a whole number from 1 */
export function wholeNumbers(text: string): number[] {
  return text.split(',').map((part) => {
    const value = Number(part);
    if (Number.isSafeInteger(value) && value >= 1) return value;
    throw new RangeError(`expected whole numbers from 1, separated by commas; got ${JSON.stringify(text)}`);
  });
}

/** One whole number from 1. */
export function wholeNumber(text: string): number {
  const [value, ...others] = wholeNumbers(text);
  if (others.length === 0) return value!;
  throw new RangeError(`expected one whole number; got ${JSON.stringify(text)}`);
}
