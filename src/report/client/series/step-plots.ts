import { drawPlot } from '../plot.js';
import type { PlotOptions, PlotSeries } from '../plot-options.js';
import type { SeriesContents } from './series-contents.js';
import type { StepChoice } from './step-choice.js';

type StepPlot = Omit<PlotOptions, 'x' | 'onPick'>;

/** Draws all lines by step: a click chooses a step, and all of them mark the one that is chosen. */
export function drawSteps(contents: SeriesContents, choice: StepChoice): void {
  const steps = Int32Array.from(contents.head.steps.keys());
  const plots = plotsOf(contents)
    .filter(({ id }) => document.getElementById(id) !== null)
    .map((options) =>
      drawPlot({
        ...options,
        x: { label: 'step', values: steps, whole: true },
        onPick: (step) => choice.choose(step),
      }),
    );
  choice.follow((step) => {
    for (const plot of plots) plot.mark(step);
  });
}

function plotsOf(contents: SeriesContents): StepPlot[] {
  const line = (label: string, column: string, more: Omit<PlotSeries, 'label' | 'values'>) => ({
    label,
    values: contents.figures(column),
    ...more,
  });
  const ways = (column: string) => [
    line('from before', `${column}_before`, { colour: 'line-1' }),
    line('from the first', `${column}_first`, { colour: 'line-2' }),
  ];
  const expected = { width: 1, dash: [6, 4] };
  return [
    { id: 'displacement', y: { label: 'displacement', fromZero: true }, series: ways('displacement_mean') },
    {
      id: 'causal-displacement',
      y: { label: 'causal displacement', fromZero: true },
      series: ways('causal_displacement_mean'),
    },
    { id: 'coherence', y: { label: 'R', range: [0, 1] }, series: ways('coherence') },
    {
      id: 'bf16',
      y: { label: 'tokens', fromZero: true },
      series: [
        line('no step', 'bf16_frozen_before', { colour: 'line-1' }),
        line('one at most', 'bf16_neighbour_before', { colour: 'line-2' }),
        line('further', 'bf16_further_before', { colour: 'line-3' }),
      ],
    },
    {
      id: 'cka',
      y: { label: 'linear CKA' },
      series: [
        line('with before', 'linear_cka_before', { colour: 'line-1' }),
        line('with the first', 'linear_cka_first', { colour: 'line-2' }),
        line('expected, before', 'linear_cka_expected_before', { colour: 'line-1', ...expected }),
        line('expected, the first', 'linear_cka_expected_first', { colour: 'line-2', ...expected }),
      ],
    },
    {
      id: 'eigenvalues',
      y: { label: 'λ', logarithmic: true },
      series: [
        line('greatest', 'lambda_maximum', { colour: 'line-2' }),
        line('median', 'lambda_median', { colour: 'line-1' }),
        line('least', 'lambda_minimum', { colour: 'line-3' }),
      ],
    },
    {
      id: 'participation',
      y: { label: 'directions', fromZero: true },
      series: [
        line('of λ', 'lambda_participation_ratio', { colour: 'line-1' }),
        line('of C', 'covariance_participation_ratio', { colour: 'line-2' }),
      ],
    },
    {
      id: 'norms',
      y: { label: 'norm', fromZero: true },
      series: [
        line('mean', 'norm_mean', { colour: 'line-1' }),
        line('standard deviation', 'norm_standard_deviation', { colour: 'line-2' }),
      ],
    },
  ];
}
