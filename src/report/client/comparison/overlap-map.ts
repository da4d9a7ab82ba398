import { dataTable } from '../data-table.js';
import { byId } from '../dom.js';
import { colour, onThemeChange } from '../theme.js';
import type { ComparedTokens } from './compared-tokens.js';

/** Draws the map of both eigenbases, a cell a pair of bands, with its values as a table beneath. */
export function drawOverlapMap(tokens: ComparedTokens): void {
  const map = tokens.array('map');
  if (map === null) return;
  const { bands } = tokens.head;
  const canvas = byId<HTMLCanvasElement>('overlap');
  canvas.width = bands.length;
  canvas.height = bands.length;
  const paint = () => {
    const context = canvas.getContext('2d')!;
    const pixels = context.createImageData(bands.length, bands.length);
    const [red, green, blue] = colour('line-1').match(/\d+/g)!.map(Number);
    for (const [k, share] of map.entries())
      pixels.data.set([red!, green!, blue!, 255 * Math.sqrt(Math.min(1, Math.max(0, share)))], k * 4);
    context.putImageData(pixels, 0, 0);
  };
  paint();
  onThemeChange(paint);
  canvas.after(
    dataTable(byId('overlap-caption').textContent ?? '', () => ({
      columns: ['first index of A', ...bands.map((first) => `B from ${first}`)],
      rows: bands.map((first, row) => [first, ...map.slice(row * bands.length, (row + 1) * bands.length)]),
    })).details,
  );
}
