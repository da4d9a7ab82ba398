/** Ends of the part of an axis that a plot shows. */
export type Window = readonly [min: number, max: number];

/** Window moved as little as shows x. */
export function moved([min, max]: Window, x: number): Window {
  if (x < min) return [x, max - min + x];
  return x > max ? [min + x - max, x] : [min, max];
}

/** Share of an axis that can still be told apart in a window. */
const LEAST_SHARE = 1e-4;

/** Window `factor` times as wide in which `around` stays where it is, within all that there is. */
export function zoomed(
  [min, max]: Window,
  { factor, around, all }: { factor: number; around: number; all: Window },
): Window {
  const whole = all[1] - all[0];
  const width = Math.max((max - min) * factor, whole * LEAST_SHARE);
  if (!(width < whole)) return all;
  const share = Math.min(Math.max((around - min) / (max - min), 0), 1);
  const from = Math.min(Math.max(around - share * width, all[0]), all[1] - width);
  return [from, from + width];
}
