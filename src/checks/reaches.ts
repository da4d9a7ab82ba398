/** Powers of two that float32 numbers have, those below and above included. */
const OCTAVES = 256;
/** Exponent of the first of them. */
const LEAST = -127;

/** What is left of errors in common, by the exponent of the distance of two rows in last places, from -MOST_APART on. */
const MOST_APART = 512;
const left = Float64Array.from({ length: 2 * MOST_APART + 1 }, (_, k) => {
  const apart = 4 ** (k - MOST_APART);
  return 1 / (1 + (Math.PI ** 2 / 4) * apart) ** 2;
});

const float = new Float32Array(1);
const bits = new Uint32Array(float.buffer);

/** How far two rows must be apart for errors to differ, as shares of all errors of a column, by powers of two. */
export class Reaches {
  /** Errors by octave and column, [OCTAVES, d]. */
  readonly #errors: Float64Array;
  readonly #totals: Float64Array;
  /** Octaves that any column has an error in, [first, end). */
  readonly #range = { first: OCTAVES, end: 0 };

  /** Begins without errors. @param d number of columns */
  constructor(d: number) {
    this.#errors = new Float64Array(OCTAVES * d);
    this.#totals = new Float64Array(d);
  }

  /** Adds an error of column j. @param reach distance from which on it differs */
  add(j: number, error: number, reach: number): void {
    float[0] = reach;
    const octave = bits[0]! >>> 23;
    this.#errors[octave * this.#totals.length + j]! += error;
    this.#totals[j]! += error;
    if (octave < this.#range.first) this.#range.first = octave;
    if (octave >= this.#range.end) this.#range.end = octave + 1;
  }

  /**
   * Share of the errors of column j that rows have in common whose coordinates are about 2^exponent apart. Of a difference s
   * and a last place h, phi(2 pi / h)^2 is left, as of ./common-errors.ts; 2^exponent is the difference of two such rows, sqrt(2)
   * times s, or twice as much.
   */
  shareWithin(j: number, exponent: number): number {
    const d = this.#totals.length;
    if (this.#totals[j] === 0) return 1;
    let share = 0;
    for (let octave = this.#range.first; octave < this.#range.end; octave++) {
      const error = this.#errors[octave * d + j]!;
      if (error === 0) continue;
      share += error * leftAt(exponent - octave - LEAST);
    }
    return share / this.#totals[j]!;
  }
}

function leftAt(exponent: number): number {
  return left[Math.max(-MOST_APART, Math.min(MOST_APART, exponent)) + MOST_APART]!;
}
