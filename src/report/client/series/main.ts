import type { SeriesHead } from '../../series/contents.js';
import { byId } from '../dom.js';
import { startPage } from '../start-page.js';
import { SeriesContents } from './series-contents.js';
import { StepChoice } from './step-choice.js';
import { showStep } from './step-figures.js';
import { drawSteps } from './step-plots.js';

void startPage<SeriesHead>(({ head, arrays }) => {
  const contents = new SeriesContents(head, arrays);
  const choice = new StepChoice();
  drawSteps(contents, choice);
  choice.follow((step) => showStep(contents, step));
  choice.choose(head.steps.length - 1);
  byId('state').textContent = '';
});
