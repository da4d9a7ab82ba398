import { type Measure, type Side, sides } from '../../tables/measures.js';
import { byId, element } from './dom.js';
import { figureText } from './figure-text.js';
import { makeTable } from './make-table.js';
import type { Extreme, Report } from './report.js';
import { saveButtons } from './save-buttons.js';
import type { Selection } from './selection.js';
import { tokenButton } from './token-button.js';
import { savedName } from './token-name.js';

const sideNames: Readonly<Record<Side, string>> = {
  '+': '+ side, largest first',
  '-': '− side, smallest first',
};

/** Lists the extreme tokens of the eigenvector on show, on both sides, by the measure that the reader chooses. */
export function startExtremeLists(
  report: Report,
  selection: Selection,
  showToken: (id: number) => void,
): void {
  const select = byId<HTMLSelectElement>('measure');
  select.addEventListener('change', () => selection.choose({ measure: select.value as Measure }));
  selection.follow(['index', 'measure'], ({ index, measure }) => {
    select.value = measure;
    byId('extremes').replaceChildren(
      ...sides.map((side) => {
        const extremes = report.extremes(index, measure, side);
        const save = saveButtons(
          `extreme tokens, eigenvector ${index}, ${measure}, ${side === '+' ? 'plus' : 'minus'} side`,
          () => extremesTable(report, extremes),
        );
        return element('div', {}, listOf(report, sideNames[side], extremes, showToken), save);
      }),
    );
  });
}

function listOf(
  report: Report,
  caption: string,
  extremes: readonly Extreme[],
  showToken: (id: number) => void,
): HTMLElement {
  return makeTable(
    caption,
    [
      { name: 'id', isNumber: true },
      { name: 'token' },
      { name: 'value', isNumber: true },
      { name: 'angle', isNumber: true },
    ],
    extremes.map(({ token, value, angle }) => [
      String(token),
      tokenButton(report, token, showToken),
      figureText(value),
      `${angle.toFixed(2)}°`,
    ]),
  );
}

function extremesTable(report: Report, extremes: readonly Extreme[]) {
  return {
    columns: ['place', 'token_id', 'token', 'value', 'angle'],
    rows: extremes.map(({ token, value, angle }, k) => [
      k + 1,
      token,
      savedName(report, token),
      value,
      Number(angle.toFixed(2)),
    ]),
  };
}
