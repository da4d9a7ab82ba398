import { byId, element, facts } from '../dom.js';
import { figureText } from '../figure-text.js';
import { makeTable } from '../make-table.js';
import { saveButtons } from '../save-buttons.js';
import { savedName, shortened, tokenName } from '../token-name.js';
import type { SeriesContents, Start } from './series-contents.js';

/** Shows the figures of a step, and the tokens that have moved most to it. */
export function showStep(contents: SeriesContents, step: number): void {
  const of = (column: string) => figureText(contents.figures(column)[step]!);
  const both = (column: string) => `${of(`${column}_before`)}, ${of(`${column}_first`)}`;
  byId('step-facts').replaceChildren(
    ...facts([
      ['Run', contents.head.steps[step] ?? ''],
      ['Displacement from before, from the first', both('displacement_mean')],
      ['Causal displacement from before, from the first', both('causal_displacement_mean')],
      ['Coherence R from before, from the first', both('coherence')],
      ['Linear CKA with before, with the first', both('linear_cka')],
      [
        'λ, least, median, greatest',
        ['minimum', 'median', 'maximum'].map((end) => of(`lambda_${end}`)).join(', '),
      ],
      [
        'Participation ratio of λ, of C',
        `${of('lambda_participation_ratio')}, ${of('covariance_participation_ratio')}`,
      ],
      ['Norm, mean and standard deviation', `${of('norm_mean')}, ${of('norm_standard_deviation')}`],
    ]),
  );
  byId('moved').replaceChildren(
    list(contents, step, 'before', 'Farthest from the step before'),
    list(contents, step, 'first', 'Farthest from the first step'),
  );
}

function list(contents: SeriesContents, step: number, start: Start, caption: string): HTMLElement {
  const found = contents.moved(step, start);
  if (found.length === 0)
    return element('p', { class: 'note' }, `${caption}: no token has moved, or there is no such step.`);
  const table = makeTable(
    caption,
    [
      { name: 'id', isNumber: true },
      { name: 'token' },
      { name: 'displacement', isNumber: true },
      { name: 'causal', isNumber: true },
    ],
    found.map(({ token, norm, causalNorm }) => [
      String(token),
      element('span', { class: 'token' }, shortened(tokenName(contents, token))),
      figureText(norm),
      figureText(causalNorm),
    ]),
  );
  const save = saveButtons(`${caption.toLowerCase()}, step ${step}`, () => ({
    columns: ['token_id', 'token', 'displacement', 'causal_displacement'],
    rows: found.map(({ token, norm, causalNorm }) => [token, savedName(contents, token), norm, causalNorm]),
  }));
  return element('div', {}, table, save);
}
