import uPlot from 'uplot';
import { axes } from './axes.js';
import { byId, element } from './dom.js';
import { placeOf, rangeOf, type ScatterPoint } from './scatter-points.js';
import { colour, onThemeChange } from './theme.js';

const HEIGHT = 420;
/** Pixels from a point at which the pointer is taken to mean it. */
const REACH = 12;

const radii: Readonly<Record<ScatterPoint['kind'], number>> = { other: 2, extreme: 3.5, chosen: 6 };
const colours: Readonly<Record<ScatterPoint['kind'], string>> = {
  other: 'line-1',
  extreme: 'line-2',
  chosen: 'line-3',
};

/** Scatter that has been drawn. */
export interface ScatterPlot {
  /** The element that takes the focus. */
  drawing: HTMLElement;
  /** Draws other points, along axes of other names. */
  update(points: readonly ScatterPoint[], labels: readonly [across: string, up: string]): void;
  /** Rings the point of a number; null rings none. */
  ring(k: number | null): void;
  /** Tells which point the pointer is at, null for none, and which one it picks. */
  listen(listener: { onPoint(k: number | null): void; onPick(k: number): void }): void;
}

/** Draws a scatter, at first empty, that follows the size of its element and the theme. */
export function drawScatter(id: string): ScatterPlot {
  const target = byId(id);
  const ring = element('div', { class: 'ring', hidden: true });
  const size = () => ({ width: Math.max(260, target.clientWidth), height: HEIGHT });
  let points: readonly ScatterPoint[] = [];
  let ringed: number | null = null;
  const ends = (axis: 'x' | 'y') => rangeOf(points.map((point) => point[axis]));
  const place = ({ x, y }: ScatterPoint) =>
    [plot.valToPos(placeOf(x), 'x'), plot.valToPos(placeOf(y), 'y')] as const;
  const showRing = () => {
    ring.hidden = ringed === null;
    if (ringed === null) return;
    const [left, top] = place(points[ringed]!);
    ring.style.left = `${left}px`;
    ring.style.top = `${top}px`;
  };
  const plot = new uPlot(
    {
      ...size(),
      scales: { x: { time: false, range: () => ends('x') }, y: { range: () => ends('y') } },
      axes: axes({ id, x: { label: ' ', values: [] }, y: { label: ' ' }, series: [] }),
      // The points are drawn by a hook: a series of uPlot rises along x.
      series: [{}, { paths: () => null, points: { show: false } }],
      cursor: { show: false },
      legend: { show: false },
      hooks: { draw: [(drawn) => drawPoints(drawn, points)], setSize: [() => queueMicrotask(showRing)] },
    },
    [
      [0, 1],
      [0, 1],
    ],
    target,
  );
  plot.over.append(ring);
  plot.over.classList.add('pickable');
  new ResizeObserver(() => plot.setSize(size())).observe(target);
  onThemeChange(() => plot.redraw(false));
  return {
    drawing: plot.root.querySelector<HTMLElement>('.u-wrap')!,
    update(all, [across, up]) {
      points = all;
      ringed = null;
      showRing();
      plot.axes[0]!.label = across;
      plot.axes[1]!.label = up;
      plot.setData([ends('x'), ends('y')]);
    },
    ring(k) {
      ringed = k;
      showRing();
    },
    listen({ onPoint, onPick }) {
      const pointAt = ({ clientX, clientY }: MouseEvent) => {
        const { left, top } = plot.over.getBoundingClientRect();
        return nearest(points.map(place), [clientX - left, clientY - top]);
      };
      plot.over.addEventListener('pointermove', (event) => onPoint(pointAt(event)));
      plot.over.addEventListener('pointerleave', () => onPoint(null));
      plot.over.addEventListener('click', (event) => {
        const k = pointAt(event);
        if (k !== null) onPick(k);
      });
    },
  };
}

/** Number of the place that is nearest to a pointer, within its reach; of several the last, which is drawn above. */
function nearest(
  places: readonly (readonly [number, number])[],
  [x, y]: readonly [number, number],
): number | null {
  let found: number | null = null;
  let least = REACH;
  for (const [k, [left, top]] of places.entries()) {
    const distance = Math.hypot(left - x, top - y);
    if (distance > least) continue;
    least = distance;
    found = k;
  }
  return found;
}

/** Draws points filled where both coordinates are known, else hollow, on a line along all that the other one may be. */
function drawPoints(plot: uPlot, points: readonly ScatterPoint[]): void {
  const { ctx, bbox } = plot;
  const left = (x: number) => plot.valToPos(x, 'x', true);
  const top = (y: number) => plot.valToPos(y, 'y', true);
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  ctx.lineWidth = devicePixelRatio;
  ctx.fillStyle = colour('grid');
  ctx.fillRect(left(0), bbox.top, 2 * devicePixelRatio, bbox.height);
  ctx.fillRect(bbox.left, top(0), bbox.width, 2 * devicePixelRatio);
  for (const kind of ['other', 'extreme', 'chosen'] as const) {
    ctx.fillStyle = colour(colours[kind]);
    ctx.strokeStyle = ctx.fillStyle;
    for (const { x, y } of points.filter((point) => point.kind === kind)) {
      ctx.globalAlpha = 0.25;
      ctx.beginPath();
      if ('atMost' in x) {
        ctx.moveTo(left(-x.atMost), top(placeOf(y)));
        ctx.lineTo(left(x.atMost), top(placeOf(y)));
      }
      if ('atMost' in y) {
        ctx.moveTo(left(placeOf(x)), top(-y.atMost));
        ctx.lineTo(left(placeOf(x)), top(y.atMost));
      }
      ctx.stroke();
      ctx.globalAlpha = kind === 'other' ? 0.5 : 0.9;
      ctx.beginPath();
      ctx.arc(left(placeOf(x)), top(placeOf(y)), radii[kind] * devicePixelRatio, 0, 2 * Math.PI);
      if ('z' in x && 'z' in y) ctx.fill();
      else ctx.stroke();
    }
  }
  ctx.restore();
}
