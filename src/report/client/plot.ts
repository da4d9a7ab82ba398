import uPlot from 'uplot';
import { dataTable } from './data-table.js';
import { byId, element } from './dom.js';
import { figureText } from './figure-text.js';
import { colour, onThemeChange } from './theme.js';

/** Values of an axis or a series. */
export type Values = ArrayLike<number>;

/** Series of a plot. */
export interface PlotSeries {
  label: string;
  values: Values;
  /** Name of a colour of the style sheet. */
  colour: string;
  width?: number;
  dash?: number[];
  bars?: boolean;
}

/** Description of a plot. */
export interface PlotOptions {
  /** Id of the element to draw into; its figure has a caption. */
  id: string;
  x: {
    label: string;
    values: Values;
    /** Whether the axis has integers only. */
    whole?: boolean;
  };
  /** Second x axis above, which gives the ticks other names. */
  top?: { label: string; name(x: number): string };
  y: {
    label: string;
    logarithmic?: boolean;
    /** Ends of the axis; by default what the values need. */
    range?: [number, number];
    fromZero?: boolean;
  };
  series: readonly PlotSeries[];
  /** Fills between two series, the upper one first, by their numbers. */
  bands?: readonly (readonly [upper: number, lower: number, colour: string])[];
  /** Draws beneath the lines. */
  underlay?(plot: uPlot): void;
  height?: number;
  /** Hears of a click, with the number of the nearest x. */
  onPick?(index: number): void;
}

/** Plot that has been drawn. */
export interface Plot {
  /** Draws other values, of the same series. */
  update(x: Values, series: readonly Values[]): void;
  /** Marks x with a line, where the plot shows it. */
  mark(x: number): void;
}

const HEIGHT = 300;
const FONT = '12px system-ui, sans-serif';
/** Pixels that a pointer may move between press and release of a click; more is a drag. */
const CLICK_SLACK = 4;

/** Draws a plot that follows the size of its element and the theme, with its values as a table beneath. */
export function drawPlot(options: PlotOptions): Plot {
  const target = byId(options.id);
  const caption = byId(`${options.id}-caption`);
  const size = () => ({ width: Math.max(260, target.clientWidth), height: options.height ?? HEIGHT });
  const marker = element('div', { class: 'marker', hidden: true });
  let marked: number | undefined;
  const moveMarker = () => {
    if (marked === undefined) return;
    const left = plot.valToPos(marked, 'x');
    marker.hidden = !(left >= 0 && left <= plot.over.clientWidth);
    marker.style.left = `${left}px`;
  };

  const aligned = () =>
    [
      drawable(values.x),
      ...values.series.map((array) => drawable(array, options.y.logarithmic)),
    ] as uPlot.AlignedData;
  let values = { x: options.x.values, series: options.series.map((series) => series.values) };
  const plot = new uPlot(
    {
      ...size(),
      scales: {
        x: { time: false },
        y: {
          ...(options.y.logarithmic === true ? { distr: 3 as const } : {}),
          ...(options.y.range === undefined ? {} : { range: options.y.range }),
          ...(options.y.fromZero === true
            ? { range: (_: uPlot, __: number, most: number): [number, number] => [0, most * 1.05 || 1] }
            : {}),
        },
      },
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
        setScale: [() => queueMicrotask(moveMarker)],
        setSize: [() => queueMicrotask(moveMarker)],
      },
    },
    aligned(),
    target,
  );
  plot.over.append(marker);
  labelDrawing(plot, caption.id);
  if (options.onPick !== undefined) listenForPicks(plot, options.onPick);
  new ResizeObserver(() => plot.setSize(size())).observe(target);
  onThemeChange(() => plot.redraw(false));
  target.after(
    dataTable(caption.textContent ?? '', () => ({
      columns: [options.x.label, ...options.series.map(({ label }) => label)],
      rows: Array.from(values.x, (x, k) => [x, ...values.series.map((series) => series[k]!)]),
    })),
  );
  return {
    update(x, series) {
      values = { x, series: [...series] };
      plot.setData(aligned());
    },
    mark(x) {
      marked = x;
      moveMarker();
    },
  };
}

function axes({ x, y, top }: PlotOptions): uPlot.Axis[] {
  const common = {
    font: FONT,
    labelFont: FONT,
    stroke: () => colour('text'),
    grid: { stroke: () => colour('grid'), width: 1 },
    ticks: { stroke: () => colour('grid'), width: 1 },
  };
  const spaced =
    x.whole === true
      ? {
          incrs: [1, 2, 5]
            .flatMap((k) => [k, k * 10, k * 100, k * 1000, k * 1e4, k * 1e5])
            .sort((a, b) => a - b),
        }
      : {};
  return [
    { ...common, ...spaced, label: x.label, labelSize: 20, size: 32 },
    {
      ...common,
      label: y.label,
      labelSize: 20,
      size: 62,
      ...(y.logarithmic === true
        ? {
            grid: { ...common.grid, filter: decades },
            ticks: { ...common.ticks, filter: decades },
          }
        : {}),
      values: (_, ticks) => ticks.map((tick) => (tick === null ? '' : tickText(tick))),
    },
    ...(top === undefined
      ? []
      : [
          {
            ...common,
            ...spaced,
            scale: 'x',
            side: 0 as const,
            label: top.label,
            labelSize: 20,
            size: 32,
            grid: { show: false },
            values: (_: uPlot, ticks: number[]) => ticks.map((tick) => top.name(tick)),
          },
        ]),
  ];
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

function xText(value: number | null, { x }: PlotOptions): string {
  if (value === null || value === undefined) return '–';
  return x.whole === true ? String(value) : figureText(value);
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

/** Labels the drawing as one image for a screen reader; the table beneath has its values. */
function labelDrawing(plot: uPlot, captionId: string): void {
  const drawing = plot.root.querySelector('.u-wrap')!;
  drawing.setAttribute('role', 'img');
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
