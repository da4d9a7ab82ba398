import uPlot from 'uplot';
import { axes } from './axes.js';
import { dataTable } from './data-table.js';
import { byId } from './dom.js';
import { figureText } from './figure-text.js';
import { Marker } from './marker.js';
import { listenForKeys } from './plot-keys.js';
import type { PlotOptions, PlotSeries, Values } from './plot-options.js';
import { colour, onThemeChange } from './theme.js';

/** Plot that has been drawn. */
export interface Plot {
  /** Draws other values, of the same series. */
  update(x: Values, series: readonly Values[]): void;
  /** Marks x with a line, or all from x to `to`, where the plot shows it; NaN marks nothing. */
  mark(x: number, to?: number): void;
}

const HEIGHT = 300;
/** Pixels that a pointer may move between press and release of a click; more is a drag. */
const CLICK_SLACK = 4;

/** Draws a plot that follows the size of its element and the theme, with its values as a table beneath. */
export function drawPlot(options: PlotOptions): Plot {
  const target = byId(options.id);
  const caption = byId(`${options.id}-caption`);
  const size = () => ({ width: Math.max(260, target.clientWidth), height: options.height ?? HEIGHT });
  const marker = new Marker();
  let values = { x: options.x.values, series: options.series.map((series) => series.values) };
  const aligned = () =>
    [
      drawable(values.x),
      ...values.series.map((array) => drawable(array, options.y.logarithmic)),
    ] as uPlot.AlignedData;
  const settings = { ...size(), ...settingsOf(options, () => marker.follow(plot)) };
  const plot = new uPlot(settings, aligned(), target);
  plot.over.append(marker.line);
  labelDrawing(plot, caption.id);
  const describe = (k: number) =>
    [options.x, ...options.series]
      .map(({ label }, series) => {
        const value = (series === 0 ? values.x : values.series[series - 1]!)[k];
        return `${label} ${series === 0 ? xText(value, options) : figureText(value)}`;
      })
      .join(', ');
  listenForKeys(plot, { describe, onPick: options.onPick, start: () => marker.nearest(values.x) });
  if (options.onPick !== undefined) listenForPicks(plot, options.onPick);
  new ResizeObserver(() => plot.setSize(size())).observe(target);
  onThemeChange(() => plot.redraw(false));
  const table = dataTable(caption.textContent ?? '', () => ({
    columns: [options.x.label, ...options.series.map(({ label }) => label)],
    rows: Array.from(values.x, (x, k) => [x, ...values.series.map((series) => series[k]!)]),
  }));
  target.after(table.details);
  return {
    update(x, series) {
      values = { x, series: [...series] };
      plot.setData(aligned());
      table.renew();
    },
    mark: (x, to = x) => marker.mark([x, to], plot),
  };
}

/** Settings of a plot but its size; `onScale` is called after its scales or its size have changed. */
function settingsOf(options: PlotOptions, onScale: () => void): Omit<uPlot.Options, 'width' | 'height'> {
  return {
    scales: { x: { time: false }, y: yScale(options.y) },
    axes: axes(options),
    series: [
      { label: options.x.label, value: (_, value) => xText(value, options) },
      ...options.series.map(line),
    ],
    bands: (options.bands ?? []).map(([upper, lower, fill]) => ({
      series: [upper + 1, lower + 1],
      fill: () => colour(fill),
    })),
    cursor: { y: false },
    hooks: {
      drawClear: options.underlay === undefined ? [] : [options.underlay],
      setScale: [() => queueMicrotask(onScale)],
      setSize: [() => queueMicrotask(onScale)],
    },
  };
}

function yScale({ logarithmic, range, fromZero }: PlotOptions['y']): uPlot.Scale {
  return {
    ...(logarithmic === true ? { distr: 3 as const } : {}),
    ...(range === undefined ? {} : { range }),
    ...(fromZero === true
      ? { range: (_: uPlot, __: number, most: number): [number, number] => [0, most * 1.05 || 1] }
      : {}),
  };
}

function line({ label, colour: stroke, width, dash, bars }: PlotSeries): uPlot.Series {
  return {
    label,
    stroke: () => colour(stroke),
    width: width ?? 1.5,
    points: { show: false },
    value: (_, value) => figureText(value),
    ...(dash === undefined ? {} : { dash }),
    ...(bars === true
      ? {
          paths: uPlot.paths.bars!({ size: [1, Number.POSITIVE_INFINITY], gap: 1 }),
          fill: () => colour(stroke),
        }
      : {}),
  };
}

/** Values as uPlot draws them, which leaves out null, not NaN, nor what has no logarithm. */
function drawable(values: Values, logarithmic = false): (number | null)[] {
  return Array.from(values, (value) => (Number.isNaN(value) || (logarithmic && value <= 0) ? null : value));
}

function xText(value: number | null | undefined, { x }: PlotOptions): string {
  if (value === null || value === undefined) return '–';
  return x.whole === true ? String(value) : figureText(value);
}

/** Labels the drawing for a screen reader, to which it says its values itself; the table beneath has them too. */
function labelDrawing(plot: uPlot, captionId: string): void {
  const drawing = plot.root.querySelector('.u-wrap')!;
  drawing.setAttribute('aria-labelledby', captionId);
  plot.root.querySelector('.u-legend')?.setAttribute('aria-hidden', 'true');
}

function listenForPicks(plot: uPlot, onPick: (index: number) => void): void {
  let pressed = 0;
  plot.over.classList.add('pickable');
  plot.over.addEventListener('mousedown', (event) => {
    pressed = event.clientX;
  });
  plot.over.addEventListener('click', (event) => {
    if (Math.abs(event.clientX - pressed) > CLICK_SLACK) return;
    onPick(plot.posToIdx(event.clientX - plot.over.getBoundingClientRect().left));
  });
}
