import { measures } from '../../tables/measures.js';
import type { NeighbourMeasure } from '../../tables/neighbour-measures.js';
import { harmlessText } from '../../text/visible-text.js';
import type { Choice } from './selection.js';
import { shortened } from './token-name.js';

/** Choice that an address names, and what of the address this page cannot show. */
export interface AddressChoice {
  choice: Choice;
  problems: string[];
}

/** Page as far as an address depends on it. */
export interface AddressedPage {
  rows: number;
  hidden: number;
  /** Measures by which the page has neighbours; none where it has none. */
  nearBy: readonly NeighbourMeasure[];
  /** Choice with which the page opens. */
  opening: Readonly<Choice>;
}

/** Names of what an address can hold; `m` is what former pages called the measure. */
const names = ['e', 't', 'measure', 'm', 'x', 'y', 'near'] as const;
type Name = (typeof names)[number];

/**
 * Fragment of an address that names a choice, such as `#e=2&t=1234&measure=causal_cosine`. The eigenvectors of the scatter and
 * the measure of the neighbours stand in it where they are others than a page opens with.
 */
export function addressOf(choice: Readonly<Choice>, opening: Readonly<Choice>): string {
  const { index, token, measure } = choice;
  const others = (['x', 'y', 'near'] as const)
    .filter((part) => choice[part] !== opening[part])
    .map((part) => `&${part}=${choice[part]}`);
  return `#e=${index}${token === null ? '' : `&t=${token}`}&measure=${measure}${others.join('')}`;
}

/**
 * Choice that the fragment of an address names. What it leaves out, or names wrongly, is as the page opens.
 *
 * @returns null for a fragment that names no choice, such as that of a section
 */
export function choiceOf(fragment: string, page: AddressedPage): AddressChoice | null {
  if (!fragment.includes('=')) return null;
  const { rows, hidden, nearBy, opening } = page;
  const given = new URLSearchParams(fragment.replace(/^#/, ''));
  const problems: string[] = [];
  const wrong = (what: string, text: string, right: string) => {
    problems.push(`The address asks for ${what} “${shortened(harmlessText(text))}”; this page has ${right}.`);
    return null;
  };
  const number = (name: Name, what: string, end: number): number | null => {
    const text = given.get(name);
    if (text === null) return null;
    if (/^\d+$/.test(text) && Number(text) < end) return Number(text);
    return wrong(what, text, `0 to ${end - 1}`);
  };
  const oneOf = <Value extends string>(text: string | null, what: string, all: readonly Value[]) => {
    if (text === null) return null;
    return all.find((value) => value === text) ?? wrong(what, text, all.join(', ') || 'none');
  };
  const measure = given.get('measure') ?? given.get('m');
  const choice = {
    index: number('e', 'eigenvector', hidden) ?? opening.index,
    token: number('t', 'token', rows),
    measure: oneOf(measure, 'the measure', measures) ?? opening.measure,
    x: number('x', 'eigenvector', hidden) ?? opening.x,
    y: number('y', 'eigenvector', hidden) ?? opening.y,
    near: oneOf(given.get('near'), 'neighbours by', nearBy) ?? opening.near,
  };
  const unknown = [...given.keys()].find((name) => !names.includes(name as Name));
  if (unknown !== undefined) wrong('the part', unknown, 'e, t, measure, x, y and near');
  return { choice, problems };
}
