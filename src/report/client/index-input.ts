import { byId } from './dom.js';
import { indexProblem } from './index-problem.js';
import type { Selection } from './selection.js';

/** Lets the reader type an index or slide to it, and says where what is typed is none. */
export function startIndexInput(hidden: number, selection: Selection): void {
  const number = byId<HTMLInputElement>('index');
  const slider = byId<HTMLInputElement>('index-slider');
  const message = byId('index-message');
  const say = (problem: string | null) => {
    message.textContent = problem ?? '';
    number.setAttribute('aria-invalid', String(problem !== null));
  };
  number.addEventListener('input', () => {
    const problem = indexProblem(number.value, hidden);
    say(problem);
    if (problem === null && number.value.trim() !== '') selection.choose({ index: Number(number.value) });
  });
  // What is no index stays beside its message while it is typed, and gives way to the index on show afterwards.
  number.addEventListener('change', () => {
    if (number.value.trim() === '') number.value = String(selection.choice.index);
  });
  slider.addEventListener('input', () => selection.choose({ index: Number(slider.value) }));
  selection.follow(['index'], ({ index }) => {
    if (Number(number.value) !== index || number.value.trim() === '') number.value = String(index);
    slider.value = String(index);
    say(null);
  });
}
