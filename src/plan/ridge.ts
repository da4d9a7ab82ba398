/** A ridge rho: a number, or a share r of the mean eigenvalue, rho = r tr C / d. */
export type Ridge = { absolute: number } | { relative: number };

const RELATIVE = 'relative=';

/** How a ridge is written, for messages. */
export const RIDGE_FORMS = 'a number from 0, or relative=X with a number X above 0';

/** Reads a ridge as a user writes it. @returns undefined for what is none */
export function parseRidge(given: number | string): Ridge | undefined {
  const isRelative = typeof given === 'string' && given.startsWith(RELATIVE);
  const text = isRelative ? given.slice(RELATIVE.length) : given;
  const value = typeof text === 'number' || text.trim() !== '' ? Number(text) : Number.NaN;
  if (!(value >= 0) || value === Number.POSITIVE_INFINITY) return undefined;
  if (!isRelative) return { absolute: value };
  return value > 0 ? { relative: value } : undefined;
}
