import type uPlot from 'uplot';
import type { Report } from './report.js';
import { colour, onThemeChange } from './theme.js';

/** Bins of z that hold tokens of the eigenvectors `from` to before `to`: the first, and the one after the last. */
export function occupiedBins(report: Report, from: number, to: number): [first: number, end: number] {
  const { bins } = report.head.histogram;
  const counts = report.array('histogram.count').subarray(from * bins, to * bins);
  let [first, end] = [bins, 0];
  for (let k = 0; k < counts.length; k++) {
    if (counts[k] === 0) continue;
    first = Math.min(first, k % bins);
    end = Math.max(end, (k % bins) + 1);
  }
  return [first, end];
}

/** Draws all histograms beneath a plot of z by index, a column an index, with the colour of log(1 + count). */
export function heatMap(report: Report): (plot: uPlot) => void {
  const { hidden, histogram } = report.head;
  let image: HTMLCanvasElement | undefined;
  onThemeChange(() => {
    image = undefined;
  });
  return (plot) => {
    image ??= paint(report);
    const { ctx, bbox } = plot;
    const left = plot.valToPos(-0.5, 'x', true);
    const top = plot.valToPos(histogram.upper, 'y', true);
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    // Few large cells have sharp edges; many small ones are averaged, so that none is lost between pixels.
    ctx.imageSmoothingEnabled = bbox.width < hidden * 2;
    ctx.drawImage(
      image,
      left,
      top,
      plot.valToPos(hidden - 0.5, 'x', true) - left,
      plot.valToPos(histogram.lower, 'y', true) - top,
    );
    ctx.restore();
  };
}

/** Image of all histograms, one pixel a bin: x is the index, y falls with z. */
function paint(report: Report): HTMLCanvasElement {
  const { hidden, histogram } = report.head;
  const { bins } = histogram;
  const counts = report.array('histogram.count');
  const canvas = document.createElement('canvas');
  canvas.width = hidden;
  canvas.height = bins;
  const context = canvas.getContext('2d')!;
  const pixels = context.createImageData(hidden, bins);
  const [red, green, blue] = colour('line-1').match(/\d+/g)!.map(Number);
  let most = 1;
  for (const count of counts) most = Math.max(most, count);
  const scale = 255 / Math.log1p(most);
  for (let j = 0; j < hidden; j++) {
    for (let bin = 0; bin < bins; bin++) {
      const opacity = Math.log1p(counts[j * bins + bin]!) * scale;
      pixels.data.set([red!, green!, blue!, opacity], ((bins - 1 - bin) * hidden + j) * 4);
    }
  }
  context.putImageData(pixels, 0, 0);
  return canvas;
}
