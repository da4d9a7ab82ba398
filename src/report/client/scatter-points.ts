import { seededOrder } from '../../linalg/seeded-order.js';
import { sides } from '../../tables/measures.js';
import type { KnownZ, Report } from './report.js';
import type { Choice } from './selection.js';

/** Tokens beside the extreme ones that a scatter shows at most. */
const MOST_OTHERS = 2000;

/** Seed of the order in which they are taken: another page of the same run shows the same. */
const SEED = 1;

/** Token of a scatter, with what the page knows of its z across and up. */
export interface ScatterPoint {
  token: number;
  x: KnownZ;
  y: KnownZ;
  kind: 'extreme' | 'other' | 'chosen';
}

/** Tokens of a scatter. */
export interface ScatterPoints {
  /** The extreme ones first, the chosen one last. */
  points: ScatterPoint[];
  /** How many tokens could have been among the others. */
  candidates: number;
}

/**
 * Chooses the tokens of scatters: the most extreme ones of both eigenvectors by a measure; of all others whose z is known along
 * both a sample, always in the same order; and the chosen one, where it is known along one at least.
 */
export function scatterPoints(report: Report): (choice: Readonly<Choice>) => ScatterPoints {
  let order: Int32Array | undefined;
  return ({ x, y, measure, token }) => {
    order ??= seededOrder(report.head.rows, SEED);
    const point = (id: number, kind: ScatterPoint['kind']): ScatterPoint => ({
      token: id,
      x: report.z(id, x),
      y: report.z(id, y),
      kind,
    });
    const extremes = new Set(
      [x, y].flatMap((index) =>
        sides.flatMap((side) => report.extremes(index, measure, side).map((extreme) => extreme.token)),
      ),
    );
    if (token !== null) extremes.delete(token);
    const others: number[] = [];
    let candidates = 0;
    for (const id of order) {
      if (id === token || extremes.has(id) || !report.isKnown(id, x) || !report.isKnown(id, y)) continue;
      candidates++;
      if (others.length < MOST_OTHERS) others.push(id);
    }
    const chosen = token === null ? [] : [point(token, 'chosen')];
    const points = [
      ...Array.from(extremes, (id) => point(id, 'extreme')),
      ...others.map((id) => point(id, 'other')),
      ...chosen.filter((one) => 'z' in one.x || 'z' in one.y),
    ];
    return { points, candidates };
  };
}

/** Where a point stands along an axis: at its z, or in the middle of all that it may be. */
export function placeOf(known: KnownZ): number {
  return 'z' in known ? known.z : 0;
}

/** Ends of an axis that shows all points, with 0 and a margin. */
export function rangeOf(all: readonly KnownZ[]): [number, number] {
  let [least, most] = [0, 0];
  for (const known of all) {
    const [from, to] = 'z' in known ? [known.z, known.z] : [-known.atMost, known.atMost];
    least = Math.min(least, from);
    most = Math.max(most, to);
  }
  const margin = 0.05 * (most - least) || 1;
  return [least - margin, most + margin];
}
