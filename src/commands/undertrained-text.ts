import type { UndertrainedManifest } from '../output/undertrained-folder.js';
import type { FoundUndertrained } from '../run/undertrained-tokens.js';
import { type IndicatorColumn, indicatorColumns } from '../tables/undertrained-table.js';
import { count, counted, fixed } from '../text/figures.js';
import { textTable } from '../text/text-table.js';
import { visibleText } from '../text/visible-text.js';

/** Indicators as a list, behind what they are measured against and what the tokenizer says. */
export function undertrainedText({ directory, manifest, by, tokens }: FoundUndertrained): string {
  return [
    recordedUndertrainedText(directory, manifest),
    '',
    `tokens that texts can have and the reference has not, smallest ${by} first`,
    ...(tokens.length === 0 ? [`none of which ${by} is known`] : list(tokens, by)),
  ].join('\n');
}

/** What the indicators are measured against and what the tokenizer says: all that their record has of them. */
export function recordedUndertrainedText(directory: string, manifest: UndertrainedManifest): string {
  const { reference, classes, encoding, input, notes } = manifest;
  const knot =
    reference.knots === null ? '' : `, ${count(reference.knot)} of the largest knot of ${reference.knots}`;
  return [
    `${directory}: indicators of undertrained tokens`,
    `  reference: ${counted(reference.tokens, 'token')} (${reference.source}): ${count(reference.orphans)} without a token${knot}`,
    `  by the tokenizer: ${Object.entries(classes)
      .map(([name, tokensOfClass]) => `${count(tokensOfClass)} ${name}`)
      .join(', ')}`,
    ...(encoding.failures > 0
      ? [
          `  not encoded: ${counted(encoding.failures, 'token')}`,
          ...encoding.problems.map((problem) => `    ${problem}`),
        ]
      : []),
    ...(input === null ? [] : [`  input embedding: ${input.tensor}`]),
    ...notes.map((note) => `  note: ${note}`),
  ].join('\n');
}

function list(tokens: FoundUndertrained['tokens'], by: IndicatorColumn): string[] {
  // First what the list is sorted by.
  const columns = [by, ...indicatorColumns.filter((column) => column !== by)].filter((column) =>
    tokens.some((token) => token[column] !== null),
  );
  return textTable(
    [
      { name: 'token_id', align: 'right' },
      { name: 'text', align: 'left' },
      ...columns.map((name) => ({ name, align: 'right' as const })),
    ],
    tokens.map((token) => [
      String(token.token_id),
      token.text === null ? '' : visibleText(token.text),
      ...columns.map((column) => (token[column] === null ? 'none' : fixed(token[column]))),
    ]),
  );
}
