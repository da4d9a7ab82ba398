import { type Measure, measures, type Side, sides } from '../../tables/measures.js';
import type { NeighbourMeasure } from '../../tables/neighbour-measures.js';
import type { ReportHead } from '../contents.js';
import { ANGLE_STEP, extremesStart, tokenFlags } from '../contents.js';
import { ofLogStep } from '../log-steps.js';
import type { PackedArray } from '../packed-arrays.js';
import { decodeTexts } from './decode-texts.js';

/** Extreme token of a list. */
export interface Extreme {
  token: number;
  value: number;
  /** Angle to the eigenvector, in degrees. */
  angle: number;
}

/** Token with its figures and strongest directions. */
export interface Token {
  id: number;
  text: string | null;
  norm: number;
  causalNorm: number;
  isOrphan: boolean;
  isSpecial: boolean;
  /** Lowest id of its group of equal rows, or null. */
  duplicateGroup: number | null;
  directions: { index: number; z: number }[];
}

/** Neighbour of a token by a measure. */
export interface Neighbour {
  token: number;
  /** Value of the measure: a distance. */
  value: number;
}

/** What the page knows of a token's z along a direction: its value, or how far from 0 it is at most. */
export type KnownZ = { z: number } | { atMost: number };

/** Contents of the page, by the questions that its parts ask. */
export class Report {
  readonly head: ReportHead;
  readonly #arrays: Readonly<Record<string, PackedArray>>;
  /** Strongest directions of all tokens, a place each: index and z in steps. */
  readonly #directions: readonly { index: PackedArray; z: PackedArray }[];
  /** Texts of all tokens, [V], null where a token has none. */
  readonly texts: readonly (string | null)[];

  constructor(head: ReportHead, arrays: Readonly<Record<string, PackedArray>>) {
    this.head = head;
    this.#arrays = arrays;
    this.#directions = Array.from({ length: head.directions.shown }, (_, place) => ({
      index: this.array(`token.direction_${place + 1}`),
      z: this.array(`token.direction_${place + 1}_z`),
    }));
    this.texts = decodeTexts(this.array('token.text') as Uint8Array, this.array('token.text_bytes'));
  }

  /** Array of the page by its name. @throws Error where it holds none of that name */
  array(name: string): PackedArray {
    const found = this.#arrays[name];
    if (found === undefined) throw new Error(`the page holds no ${name}`);
    return found;
  }

  /** Column of eigenvectors.parquet, [d]. */
  column(name: string): PackedArray {
    return this.array(`eigenvector.${name}`);
  }

  /** Counts of z of one eigenvector, [bins]. */
  histogram(index: number): PackedArray {
    const { bins } = this.head.histogram;
    return this.array('histogram.count').subarray(index * bins, (index + 1) * bins);
  }

  /** Extreme tokens of an eigenvector by one measure on one side, the most extreme first. */
  extremes(index: number, measure: Measure, side: Side): Extreme[] {
    const { shown } = this.head.places;
    const start = extremesStart(shown, index, measure, side);
    const found: Extreme[] = [];
    for (let at = start; at < start + shown; at++) {
      const token = this.array('extreme.token_id')[at]!;
      if (token < 0) break;
      const value = this.array('extreme.value')[at]!;
      found.push({ token, value, angle: this.array('extreme.angle')[at]! * ANGLE_STEP });
    }
    return found;
  }

  /**
   * What is known of a token's z along an eigenvector. A small page holds all z; else it follows from the lists of the
   * eigenvector's extreme tokens or of the token's strongest directions, the last of which bounds all others.
   */
  z(token: number, index: number): KnownZ {
    const { hidden, directionStep } = this.head;
    const all = this.#arrays['token.z'];
    if (all !== undefined) return { z: all[token * hidden + index]! * directionStep };
    const extreme = this.#zOfExtreme(token, index);
    if (extreme !== undefined) return { z: extreme };
    const found = this.#directions.find((direction) => direction.index[token] === index);
    if (found !== undefined) return { z: found.z[token]! * directionStep };
    return { atMost: (Math.abs(this.#directions.at(-1)!.z[token]!) + 1) * directionStep };
  }

  /** Whether z of a token is known along an eigenvector for more than its being extreme there. */
  isKnown(token: number, index: number): boolean {
    if (this.#arrays['token.z'] !== undefined) return true;
    for (const direction of this.#directions) if (direction.index[token] === index) return true;
    return false;
  }

  /** Neighbours of a token by a measure that the page has, the nearest first; none of a row without a direction. */
  neighbours(id: number, measure: NeighbourMeasure): Neighbour[] {
    const found: Neighbour[] = [];
    for (let place = 1; place <= (this.head.neighbours?.shown ?? 0); place++) {
      const token = this.array(`neighbour.${measure}_${place}`)[id]!;
      if (token < 0) break;
      found.push({ token, value: ofLogStep(this.array(`neighbour.${measure}_${place}_value`)[id]!) });
    }
    return found;
  }

  /** z of a token that is among the extreme ones of an eigenvector, from its p or its cosines. */
  #zOfExtreme(token: number, index: number): number | undefined {
    for (const measure of measures) {
      for (const side of sides) {
        const found = this.extremes(index, measure, side).find((extreme) => extreme.token === token);
        if (found === undefined) continue;
        if (measure === 'causal_cosine') return found.value * this.array('token.causal_norm')[token]!;
        const p = measure === 'projection' ? found.value : found.value * this.array('token.norm')[token]!;
        return p * Math.sqrt(this.column('eigenvalue')[index]!);
      }
    }
    return undefined;
  }

  /** Token of an id. */
  token(id: number): Token {
    const { directionStep } = this.head;
    const flags = this.array('token.flags')[id]!;
    const group = this.array('token.duplicate_group')[id]!;
    return {
      id,
      text: this.texts[id]!,
      norm: this.array('token.norm')[id]!,
      causalNorm: this.array('token.causal_norm')[id]!,
      isOrphan: (flags & tokenFlags.orphan) !== 0,
      isSpecial: (flags & tokenFlags.special) !== 0,
      duplicateGroup: group < 0 ? null : group,
      directions: this.#directions.map(({ index, z }) => ({ index: index[id]!, z: z[id]! * directionStep })),
    };
  }
}
