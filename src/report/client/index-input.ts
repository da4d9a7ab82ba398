import { byId } from './dom.js';
import { indexProblem } from './index-problem.js';
import type { Selection } from './selection.js';

/** Lets the reader type the index of the eigenvector on show, or slide to it. */
export function startIndexInput(hidden: number, selection: Selection): void {
  const slider = byId<HTMLInputElement>('index-slider');
  slider.addEventListener('input', () => selection.choose({ index: Number(slider.value) }));
  startIndexField({ id: 'index', part: 'index' }, hidden, selection);
  selection.follow(['index'], ({ index }) => {
    slider.value = String(index);
  });
}

/**
 * Lets the reader type an index, and says where what is typed is none.
 *
 * @param field id of the input, beside which `ID-message` is, and what of the choice it is
 */
export function startIndexField(
  { id, part }: { id: string; part: 'index' | 'x' | 'y' },
  hidden: number,
  selection: Selection,
): void {
  const number = byId<HTMLInputElement>(id);
  const message = byId(`${id}-message`);
  const say = (problem: string | null) => {
    message.textContent = problem ?? '';
    number.setAttribute('aria-invalid', String(problem !== null));
  };
  number.addEventListener('input', () => {
    const problem = indexProblem(number.value, hidden);
    say(problem);
    if (problem === null && number.value.trim() !== '') selection.choose({ [part]: Number(number.value) });
  });
  // What is no index stays beside its message while it is typed, and gives way to the index on show afterwards.
  number.addEventListener('change', () => {
    if (number.value.trim() === '') number.value = String(selection.choice[part]);
  });
  selection.follow([part], ({ [part]: index }) => {
    if (Number(number.value) !== index || number.value.trim() === '') number.value = String(index);
    say(null);
  });
}
