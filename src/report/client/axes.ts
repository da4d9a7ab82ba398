import type uPlot from 'uplot';
import type { PlotOptions } from './plot-options.js';
import { colour } from './theme.js';

const FONT = '12px system-ui, sans-serif';

const common = {
  font: FONT,
  labelFont: FONT,
  labelSize: 20,
  stroke: () => colour('text'),
  grid: { stroke: () => colour('grid'), width: 1 },
  ticks: { stroke: () => colour('grid'), width: 1 },
};

/** Axes of a plot: x beneath, y at the left, and where it is asked for a second x above. */
export function axes({ x, y, top }: PlotOptions): uPlot.Axis[] {
  const spaced = x.whole === true ? { incrs: wholeSteps() } : {};
  const horizontal = { ...common, ...spaced, size: 32 };
  const beneath = { ...horizontal, label: x.label };
  if (top === undefined) return [beneath, verticalAxis(y)];
  const above = {
    ...horizontal,
    scale: 'x',
    side: 0 as const,
    label: top.label,
    grid: { show: false },
    values: (_: uPlot, ticks: number[]) => ticks.map((tick) => top.name(tick)),
  };
  return [beneath, verticalAxis(y), above];
}

function verticalAxis({ label, logarithmic }: PlotOptions['y']): uPlot.Axis {
  return {
    ...common,
    label,
    size: 62,
    ...(logarithmic === true
      ? { grid: { ...common.grid, filter: decades }, ticks: { ...common.ticks, filter: decades } }
      : {}),
    values: (_, ticks) => ticks.map((tick) => (tick === null ? '' : tickText(tick))),
  };
}

/** Distances of ticks at whole numbers. */
function wholeSteps(): number[] {
  return [1, 2, 5].flatMap((k) => [k, k * 10, k * 100, k * 1000, k * 1e4, k * 1e5]).sort((a, b) => a - b);
}

function tickText(value: number): string {
  const magnitude = Math.abs(value);
  if (magnitude !== 0 && (magnitude < 1e-3 || magnitude >= 1e6)) {
    return Number(value.toPrecision(3)).toExponential();
  }
  return Number(value.toPrecision(6)).toLocaleString('en-US', { maximumFractionDigits: 6 });
}

/** Ticks of a logarithmic axis that get a line: one a decade, not nine. */
function decades(_: uPlot, ticks: number[]): (number | null)[] {
  return ticks.map((tick) => (Number.isInteger(Number(Math.log10(tick).toFixed(9))) ? tick : null));
}
