import type { RunWithNeighbours } from '../run/find-neighbours.js';
import type { NearestToVector } from '../run/nearest-to-vectors.js';
import type { NearestTokens } from '../run/nearest-tokens.js';
import type { SharedSearch } from '../run/share-neighbours.js';
import type { Knot } from '../tables/knots.js';
import { count, counted, figure, fixed } from '../text/figures.js';
import { numberRanges } from '../text/number-ranges.js';
import { textTable } from '../text/text-table.js';
import { visibleText } from '../text/visible-text.js';

/** Knots that are listed. */
const MOST_KNOTS = 20;

/** Texts of all tokens; null where the run has no tables. */
type Texts = readonly (string | null)[] | null;

/** Neighbours and their values; null where there is no direction. */
type MeasuredList = Pick<NearestTokens, 'ids' | 'values'>;

/** The neighbours of some tokens, each as a table. */
export function nearestText(found: readonly NearestTokens[], texts: Texts): string {
  return found
    .map(({ measure, token, ...lists }) =>
      listText(`token ${token} ${nameOf(texts, token)}, by ${measure}`, lists, texts),
    )
    .join('\n\n');
}

/** The tokens nearest to some vectors, each as a table. */
export function nearestToVectorsText(found: readonly NearestToVector[], texts: Texts): string {
  return found
    .map(({ measure, vector, ...lists }) => listText(`vector ${vector}, by ${measure}`, lists, texts))
    .join('\n\n');
}

function listText(title: string, { ids, values }: MeasuredList, texts: Texts): string {
  if (ids === null || values === null) return `${title}: zeros have no direction`;
  return [
    title,
    ...textTable(
      [
        { name: 'place', align: 'right' },
        { name: 'token_id', align: 'right' },
        { name: 'text', align: 'left' },
        { name: 'value', align: 'right' },
      ],
      ids.map((id, place) => [
        String(place + 1),
        String(id),
        nameOf(texts, id),
        values[place]!.toPrecision(6),
      ]),
    ),
  ].join('\n');
}

/** What a process has done of a search that others share. */
export function sharedText({ directory, units, before, computed, missing }: SharedSearch): string {
  const done =
    units === 0
      ? "none of the units is this process's"
      : `${counted(computed, 'unit')} computed, ${before} of ${units} done before`;
  if (missing.length === 0) return `${directory}: ${done}; another process adds the neighbours to the run`;
  const [name, verb] = missing.length === 1 ? ['unit', 'is'] : ['units', 'are'];
  const left = `${name} ${numberRanges(missing)} of all ${verb} missing`;
  return `${directory}: ${done}; ${left}, for the other processes, or for the same command without --index`;
}

/** What the neighbours of all tokens come to. */
export function neighboursText(
  { directory, manifest, isNew }: RunWithNeighbours,
  knots: readonly Knot[],
  texts: Texts,
): string {
  const { file, k, measures, summary } = manifest.neighbours!;
  const { limit, tokens } = summary.knots;
  return [
    `${directory}/${file.path}${isNew ? '' : ', which was there, intact'}: ${counted(k, 'neighbour')} of each of ${counted(manifest.model.rows, 'token')}`,
    '',
    `Hubs: on how many lists a token is, N_${k}`,
    ...textTable(
      [
        { name: 'measure', align: 'left' },
        { name: 'skewness', align: 'right' },
        { name: 'largest', align: 'right' },
        { name: 'of token', align: 'right' },
        { name: 'text', align: 'left' },
        { name: 'on no list', align: 'right' },
      ],
      measures.map((measure) => {
        const { skewness, maximum, token, antihubs } = summary.hubs[measure]!;
        return [
          measure,
          skewness === null ? '' : fixed(skewness),
          count(maximum),
          String(token),
          nameOf(texts, token),
          count(antihubs),
        ];
      }),
    ),
    '',
    `Near-duplicates (${measures[0]} up to ${figure(limit)}): ${counted(knots.length, 'knot')} of ${counted(tokens, 'token')}`,
    ...(knots.length === 0 ? [] : knotTable(knots, texts)),
  ].join('\n');
}

function knotTable(knots: readonly Knot[], texts: Texts): string[] {
  const lines = textTable(
    [
      { name: 'tokens', align: 'right' },
      { name: 'lowest', align: 'right' },
      { name: 'texts', align: 'left' },
    ],
    knots.slice(0, MOST_KNOTS).map(({ tokens }) => [
      count(tokens.length),
      String(tokens[0]),
      tokens
        .slice(0, 5)
        .map((id) => nameOf(texts, id))
        .join(' '),
    ]),
  );
  return knots.length <= MOST_KNOTS ? lines : [...lines, `and ${count(knots.length - MOST_KNOTS)} more`];
}

function nameOf(texts: Texts, token: number): string {
  const text = texts?.[token] ?? null;
  return text === null ? '' : visibleText(text);
}
