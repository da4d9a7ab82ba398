import { plotDetails, scrolled } from './data-table.js';
import { byId, element } from './dom.js';
import { startIndexField } from './index-input.js';
import { makeTable } from './make-table.js';
import type { KnownZ, Report } from './report.js';
import { saveButtons } from './save-buttons.js';
import { listenForScatterKeys } from './scatter-keys.js';
import { drawScatter } from './scatter-plot.js';
import { type ScatterPoint, type ScatterPoints, scatterPoints } from './scatter-points.js';
import type { Choice, Selection } from './selection.js';
import { tokenButton } from './token-button.js';
import { savedName, shortened, tokenName } from './token-name.js';
import { boundText, signedText } from './z-text.js';

/** Rows of the table beneath at most, the extreme tokens first. */
const ROWS = 100;

/** Shows tokens by their z along two eigenvectors that the reader chooses. */
export function startScatter(report: Report, selection: Selection, showToken: (id: number) => void): void {
  const { hidden } = report.head;
  startIndexField({ id: 'scatter-x', part: 'x' }, hidden, selection);
  startIndexField({ id: 'scatter-y', part: 'y' }, hidden, selection);
  const choose = scatterPoints(report);
  const plot = drawScatter('scatter-plot');
  let shown: ScatterPoints = { points: [], candidates: 0 };
  let ringed: number | null = null;
  const show = (k: number | null): string => {
    ringed = k;
    plot.ring(k);
    const text = k === null ? null : pointText(report, shown.points[k]!, selection.choice);
    byId('scatter-point').textContent = text ?? 'The token of a point that is pointed at is named here.';
    return text ?? '';
  };
  const pick = (k: number) => showToken(shown.points[k]!.token);
  plot.listen({ onPoint: show, onPick: pick });
  listenForScatterKeys(plot.drawing, {
    points: () => shown.points,
    current: () => ringed,
    show,
    onPick: pick,
    leave: () => show(null),
  });
  const table = pointsTable(report, selection, { points: () => shown.points, showToken });
  byId('scatter-plot').after(table.details);
  selection.follow(['x', 'y', 'measure', 'token'], (choice) => {
    shown = choose(choice);
    plot.update(shown.points, [`z on eigenvector ${choice.x}`, `z on eigenvector ${choice.y}`]);
    byId('scatter-status').textContent = statusText(shown, choice);
    show(null);
    table.renew();
  });
}

function pointText(report: Report, { token, x, y }: ScatterPoint, along: Readonly<Choice>): string {
  const name = shortened(tokenName(report, token));
  return `Token ${token}, ${name}: z on ${along.x} ${knownText(x)}, on ${along.y} ${knownText(y)}`;
}

function knownText(known: KnownZ): string {
  return 'z' in known ? signedText(known.z) : boundText(known);
}

/** What is shown, and what is not because the page does not hold it. */
function statusText({ points, candidates }: ScatterPoints, { measure }: Readonly<Choice>): string {
  const count = (kind: ScatterPoint['kind']) => points.filter((point) => point.kind === kind).length;
  const figure = (value: number) => value.toLocaleString('en-US');
  const [extremes, others] = [count('extreme'), count('other')];
  const whole = candidates === 0 ? 'no' : `all ${figure(candidates)}`;
  const sample = others < candidates ? `a sample of ${figure(others)} of ${figure(candidates)}` : whole;
  const hollow = points.filter(({ x, y }) => 'atMost' in x || 'atMost' in y).length;
  return (
    `${figure(extremes)} extreme tokens by ${measure}; ${sample} others whose z the page holds along both.` +
    (hollow === 0
      ? ''
      : ` Of ${figure(hollow)} the page holds one z alone: they are hollow, on a line along all that the other may be.`)
  );
}

/** Points as a table, the first ones of it on the page. */
function pointsTable(
  report: Report,
  selection: Selection,
  { points, showToken }: { points: () => readonly ScatterPoint[]; showToken: (id: number) => void },
) {
  const caption = byId('scatter-plot-caption').textContent ?? '';
  return plotDetails(caption, () => {
    const { x: across, y: up } = selection.choice;
    const rows = points()
      .slice(0, ROWS)
      .map(({ token, x, y }) => [
        String(token),
        tokenButton(report, token, showToken),
        knownText(x),
        knownText(y),
      ]);
    const table = makeTable(
      caption,
      [
        { name: 'id', isNumber: true },
        { name: 'token' },
        { name: `z on ${across}`, isNumber: true },
        { name: `z on ${up}`, isNumber: true },
      ],
      rows,
    );
    const note = `${rows.length} of ${points().length} tokens, the extreme ones first; the CSV has all.`;
    return [
      ...(rows.length < points().length ? [element('p', { class: 'note' }, note)] : []),
      scrolled(caption, table),
      saveButtons(`tokens along eigenvectors ${across} and ${up}`, () => savedPoints(report, points())),
    ];
  });
}

function savedPoints(report: Report, points: readonly ScatterPoint[]) {
  const value = (known: KnownZ) => ('z' in known ? known.z : Number.NaN);
  const bound = (known: KnownZ) => ('z' in known ? Number.NaN : known.atMost);
  return {
    columns: ['token_id', 'token', 'kind', 'z_across', 'z_up', 'z_across_at_most', 'z_up_at_most'],
    rows: points.map(({ token, x, y, kind }) => [
      token,
      savedName(report, token),
      kind,
      value(x),
      value(y),
      bound(x),
      bound(y),
    ]),
  };
}
