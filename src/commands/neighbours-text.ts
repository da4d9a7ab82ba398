import type { NearestTokens, RunWithNeighbours } from '../run/find-neighbours.js';
import type { Knot } from '../tables/knots.js';
import { count, counted, figure, fixed } from '../text/figures.js';
import { textTable } from '../text/text-table.js';
import { visibleText } from '../text/visible-text.js';

/** Knots that are listed. */
const MOST_KNOTS = 20;

/** Texts of all tokens; null where the run has no tables. */
type Texts = readonly (string | null)[] | null;

/** The neighbours of some tokens, each as a table. */
export function nearestText(found: readonly NearestTokens[], texts: Texts): string {
  return found
    .map(({ measure, token, ids, values }) => {
      const title = `token ${token} ${nameOf(texts, token)}, by ${measure}`;
      if (ids === null || values === null) return `${title}: a row of zeros has no direction`;
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
    })
    .join('\n\n');
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
