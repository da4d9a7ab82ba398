import path from 'node:path';
import { z } from 'zod';
import type { LockClaim } from '../files/lock-file.js';
import { namesIn } from '../files/names-in.js';
import { removeFile } from '../files/remove-file.js';
import { unitNumber } from '../plan/stages.js';
import type { ExtremeLists } from '../tables/extremes.js';
import { partRecordSchema, publishPart, readIntactPart } from './part-file.js';
import { directoryStore, type RunStore } from './run-store.js';
import { readSealedFile, sealedFile } from './seal.js';

/** Tokens nearest to some vectors among those of some partitions. */
export interface RankedUnit {
  lists: ExtremeLists;
  /** Of the products and of their squares, see `ranking`. */
  sums: Float64Array;
}

const schema = z.object({ request: z.string(), unit: z.int().min(0), part: partRecordSchema });

/**
 * Units of a ranking that are done, in the folder in which its files are made: a kill leaves them there, and who asks for the
 * same again need not compute them again.
 */
export class RankedUnits {
  readonly #stage: string;
  readonly #request: string;
  readonly #store: RunStore;

  /**
   * @param stage folder in the making, absolute
   * @param request SHA-256 (hex) of all that decides what the units find
   * @param lock of the run
   */
  constructor(stage: string, request: string, lock: LockClaim) {
    this.#stage = stage;
    this.#request = request;
    this.#store = directoryStore(stage, { durable: false, lock });
  }

  /** Reads a unit; null where it is not done, or not as it was recorded. */
  read(unit: number): RankedUnit | null {
    const record = schema.safeParse(readSealedFile(this.#store, this.#name(unit, 'json'))).data;
    if (record?.request !== this.#request || record.unit !== unit) return null;
    const arrays = readIntactPart(this.#store, { ...record.part, path: this.#name(unit, 'bin') });
    if (arrays === null) return null;
    const { keys, tokens, sums } = arrays as { [name in keyof (ExtremeLists & RankedUnit)]: never };
    return { lists: { keys, tokens }, sums };
  }

  /** Keeps what a unit has found. */
  publish(unit: number, { lists, sums }: RankedUnit): void {
    // What stands there was not to be read.
    for (const ending of ['json', 'bin'] as const) this.#store.remove(this.#name(unit, ending));
    const part = publishPart(this.#store, this.#name(unit, 'bin'), { ...lists, sums });
    const record = schema.parse({ request: this.#request, unit, part });
    this.#store.publish(this.#name(unit, 'json'), [sealedFile(record)]);
  }

  /** Removes all units. */
  remove(): void {
    for (const name of namesIn(this.#stage))
      if (isRankedUnit(name, this.#request)) removeFile(path.join(this.#stage, name));
  }

  #name(unit: number, ending: 'json' | 'bin'): string {
    return `${prefixOf(this.#request)}${unitNumber(unit)}.${ending}.partial`;
  }
}

/** Whether a name is that of a file of a request's units. */
export function isRankedUnit(name: string, request: string): boolean {
  return name.startsWith(prefixOf(request));
}

function prefixOf(request: string): string {
  return `.ranked-${request.slice(0, 16)}-`;
}
