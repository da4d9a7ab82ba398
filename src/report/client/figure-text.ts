import { fixed } from '../../text/figures.js';

/** Value for reading, or a dash where it is undefined. */
export function figureText(value: number | null | undefined): string {
  return value === null || value === undefined || Number.isNaN(value) ? '–' : fixed(value);
}
