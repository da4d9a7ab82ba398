import { type Measure, measures } from '../../tables/measures.js';
import type { Choice } from './selection.js';

/** Choice that an address names, and what of the address this page cannot show. */
export interface AddressChoice {
  choice: Choice;
  problems: string[];
}

/** Fragment of an address that names a choice, such as `#e=2&t=1234&m=causal_cosine`. */
export function addressOf({ index, token, measure }: Readonly<Choice>): string {
  return `#e=${index}${token === null ? '' : `&t=${token}`}&m=${measure}`;
}

/** Page as far as an address depends on it. */
export interface AddressedPage {
  rows: number;
  hidden: number;
  /** Choice with which the page opens. */
  opening: Readonly<Choice>;
}

/**
 * Choice that the fragment of an address names. What it leaves out, or names wrongly, is as the page opens.
 *
 * @returns null for a fragment that names no choice, such as that of a section
 */
export function choiceOf(fragment: string, { rows, hidden, opening }: AddressedPage): AddressChoice | null {
  const given = new URLSearchParams(fragment.replace(/^#/, ''));
  if (!['e', 't', 'm'].some((name) => given.has(name))) return null;
  const problems: string[] = [];
  const number = (name: string, what: string, end: number): number | null => {
    const text = given.get(name);
    if (text === null) return null;
    if (/^\d+$/.test(text) && Number(text) < end) return Number(text);
    problems.push(`The address asks for ${what} “${text}”; this page has 0 to ${end - 1}.`);
    return null;
  };
  const measureOf = (text: string | null): Measure => {
    if (text === null || measures.includes(text as Measure)) return (text ?? opening.measure) as Measure;
    problems.push(`The address asks for the measure “${text}”; this page has ${measures.join(', ')}.`);
    return opening.measure;
  };
  const choice = {
    index: number('e', 'eigenvector', hidden) ?? opening.index,
    token: number('t', 'token', rows),
    measure: measureOf(given.get('m')),
  };
  return { choice, problems };
}
