import { InputError } from '../errors.js';
import type { ParquetColumns } from '../formats/parquet-columns.js';
import { idsOfTexts, type NamedTokens } from '../input/tokenizer/ids-of-texts.js';
import type { OpenRun } from '../output/open-run.js';
import { openTable, withoutTables } from '../output/open-table.js';
import { counted } from '../text/figures.js';
import { shownValue } from '../text/shown-value.js';
import { namedTokens } from './named-tokens.js';
import { type Spelling, spellings, spellingsOf } from './spellings.js';

/** A norm of a token among those of all tokens. */
export interface NormPlace {
  value: number;
  /** Number of tokens whose norm is smaller. */
  smaller: number;
  /** Share of the tokens with a smaller norm, of those with an equal one half. */
  quantile: number;
}

/** What the tables know of a token; null where they do not know it, or there is no such thing. */
export interface TokenFacts {
  token_id: number;
  text: string | null;
  /** How the token spells the text that was asked for; null where its id was. */
  spelling: Spelling | null;
  is_orphan: boolean | null;
  is_special: boolean | null;
  /** Whether it stands for one byte where nothing else fits. */
  is_byte: boolean | null;
  norm: NormPlace;
  causal_norm: NormPlace;
  centred_norm: number;
  centred_causal_norm: number;
  distortion: number | null;
  centroid_cosine: number | null;
  causal_centroid_cosine: number | null;
  participation: number | null;
  logit_bias: number | null;
  /** Eigenvectors with the largest |z|, falling, each with z and its sign. */
  directions: { eigenvector: number; z: number }[];
  /** Ids of the other tokens whose rows have the same bits. */
  duplicates: number[];
}

/** Tokens that are shown of those whose text holds what is looked for. */
const MOST_HINTS = 5;

/**
 * Finds what the tables of a run know of a token, or of all tokens that spell a text in any of its
 * ways.
 *
 * @param run that was opened
 * @param asked an id, or a text
 * @returns a token after the other, by its spelling, then by id
 * @throws EigenshardError of the kind 'input' where the run has no tables or no such token
 */
export async function tokenFacts(
  { directory, manifest: { tables, model } }: Pick<OpenRun, 'directory' | 'manifest'>,
  asked: number | string,
): Promise<TokenFacts[]> {
  const table = await tokensTable(directory, tables, model.rows);
  const found =
    typeof asked !== 'string'
      ? [{ id: checkedId(directory, asked, model.rows), spelling: null }]
      : spelled(directory, await namedTokens(table), asked);
  const norms = await table.numbers('norm');
  const causalNorms = await table.numbers('causal_norm');
  const groups = await table.numbers('duplicate_group');
  return Promise.all(
    found.map(async ({ id, spelling }) => ({
      ...(await rowOf(table, id)),
      spelling,
      norm: placeOf(norms, id),
      causal_norm: placeOf(causalNorms, id),
      duplicates: othersOf(groups, id),
    })),
  );
}

/** Finds the tokens that spell any of some texts, a text after the other. @throws InputError where nothing spells one */
export async function tokensSpelling(
  { directory, manifest: { tables, model } }: Pick<OpenRun, 'directory' | 'manifest'>,
  texts: readonly string[],
): Promise<number[]> {
  const tokens = await namedTokens(await tokensTable(directory, tables, model.rows));
  return texts.flatMap((text) => spelled(directory, tokens, text).map(({ id }) => id));
}

/** @throws InputError where the run has no tables */
async function tokensTable(
  directory: string,
  tables: OpenRun['manifest']['tables'],
  rows: number,
): Promise<ParquetColumns> {
  if (tables === null) throw withoutTables(directory);
  return openTable({ directory, tables }, 'tokens', rows);
}

function checkedId(directory: string, id: number, rows: number): number {
  if (Number.isSafeInteger(id) && id >= 0 && id < rows) return id;
  throw new InputError(`${directory}: has no token ${shownValue(id)}; its ids are 0 to ${rows - 1}`);
}

/**
 * Finds the tokens that spell a text, by their spelling, then by id, of each spelling those of bytes last.
 *
 * @throws InputError where no token spells it
 */
function spelled(directory: string, tokens: NamedTokens, text: string): { id: number; spelling: Spelling }[] {
  const wanted = spellingsOf(text);
  const ids = idsOfTexts(tokens, wanted as ReadonlyMap<unknown, Spelling>);
  const found = [...wanted].flatMap(([way, spelling]) =>
    (ids.get(way) ?? []).map((id) => ({ id, spelling })),
  );
  if (found.length === 0) throw unspelled(directory, tokens.texts, text);
  // Several texts can be of one spelling: the sort keeps their order otherwise.
  return found.sort((a, b) => spellings.indexOf(a.spelling) - spellings.indexOf(b.spelling));
}

function unspelled(directory: string, texts: ArrayLike<unknown>, text: string): InputError {
  const inner = text.trim().toLowerCase();
  const holding = Array.from({ length: texts.length }, (_, id) => texts[id]).filter(
    (other): other is string =>
      typeof other === 'string' && inner !== '' && other.toLowerCase().includes(inner),
  );
  const hints = holding
    .sort((a, b) => a.length - b.length)
    .slice(0, MOST_HINTS)
    .map(shownValue);
  const hint =
    hints.length === 0
      ? 'give the text of one token as `sql` shows it, or an id'
      : `${counted(holding.length, 'token')} hold it: ${hints.join(', ')}${holding.length > hints.length ? ', ...' : ''}`;
  return new InputError(`${directory}: no token spells ${shownValue(text)}; ${hint}`);
}

type Row = Omit<TokenFacts, 'spelling' | 'norm' | 'causal_norm' | 'duplicates'>;

/** Reads one row of the table. */
async function rowOf(table: ParquetColumns, id: number): Promise<Row> {
  const range = { first: id, count: 1 };
  const number = async (column: string) => {
    // Runs of former versions have not all of them.
    const value = table.names.includes(column) ? (await table.numbers(column, range))[0]! : Number.NaN;
    return Number.isNaN(value) ? null : value;
  };
  const value = async (column: string) => (await table.values(column, range))[0] ?? null;
  const places = table.names.filter((name) => /^direction_\d+$/.test(name));
  return {
    token_id: id,
    text: (await value('text')) as string | null,
    is_orphan: (await value('is_orphan')) as boolean | null,
    is_special: (await value('is_special')) as boolean | null,
    is_byte: (table.names.includes('is_byte') ? await value('is_byte') : null) as boolean | null,
    centred_norm: (await number('centred_norm'))!,
    centred_causal_norm: (await number('centred_causal_norm'))!,
    distortion: await number('distortion'),
    centroid_cosine: await number('centroid_cosine'),
    causal_centroid_cosine: await number('causal_centroid_cosine'),
    participation: await number('participation'),
    logit_bias: await number('logit_bias'),
    directions: await Promise.all(
      places.map(async (name) => ({
        eigenvector: (await number(name))!,
        z: (await number(`${name}_z`))!,
      })),
    ),
  };
}

function placeOf(norms: Float64Array, id: number): NormPlace {
  const value = norms[id]!;
  let [smaller, equal] = [0, 0];
  for (const norm of norms) {
    if (norm < value) smaller++;
    else if (norm === value) equal++;
  }
  return { value, smaller, quantile: (smaller + equal / 2) / norms.length };
}

function othersOf(groups: Float64Array, id: number): number[] {
  const others: number[] = [];
  if (Number.isNaN(groups[id])) return others;
  for (let other = 0; other < groups.length; other++)
    if (groups[other] === groups[id] && other !== id) others.push(other);
  return others;
}
