import { shownFigures } from '../checks/verdict.js';
import { comparisonFacts, figureNames } from '../report/comparison/facts.js';
import { madeDifferently, namesOf } from '../report/comparison/made-with.js';
import type { ComparedRuns } from '../run/compare-runs.js';
import { alignedRows } from '../text/aligned-rows.js';
import { count, figure, formatBytes } from '../text/figures.js';

/** What a comparison has found, on a screen of text. */
export function comparedText({ directory, comparison }: ComparedRuns): string {
  const { a, b, tokens, unknown, checks, files } = comparison;
  const names = namesOf(a, b);
  const alone = [
    tokens.onlyA > 0 ? `, ${count(tokens.onlyA)} of the first alone` : '',
    tokens.onlyB > 0 ? `, ${count(tokens.onlyB)} of the second alone` : '',
  ];
  return [
    `${directory}: ${names.a} (${count(a.rows)} x ${count(a.hidden)}) and ${names.b} (${count(b.rows)} x ${count(b.hidden)})`,
    `  ${count(tokens.shared)} tokens matched by ${tokens.by}${alone.join('')}`,
    alignedRows(
      [...madeDifferently(a, b), ...comparisonFacts(comparison)].map(([name, value]) => [`  ${name}`, value]),
    ),
    ...Object.entries(unknown).map(
      ([name, reason]) => `  ${figureNames[name as keyof typeof figureNames]}: not known: ${reason}`,
    ),
    alignedRows(
      checks.map((check) => {
        const shown = shownFigures(check);
        const { name, verdict, detail = '' } = check;
        return [
          `  ${name}`,
          verdict,
          shown === null ? detail : `${figure(shown.measured)} (tolerance ${figure(shown.tolerance)})`,
        ];
      }),
    ),
    alignedRows(files.map(({ path, bytes }) => [`  ${path}`, formatBytes(bytes)])),
  ].join('\n');
}
