import { setTimeout } from 'node:timers/promises';
import { claimHostMemory } from './host-memory.js';

/** Contender that is measured in turn with others. */
export interface Contender {
  name: string;
  /** Runs once. Checks its answer, and throws where it is wrong. @returns what was measured: seconds, or a rate */
  run: () => Promise<number>;
}

/** Pause between turns, since idle threads of a BLAS or of onnxruntime spin for some milliseconds before they sleep. */
const PAUSE_MS = 200;

/**
 * Runs all contenders once a round, one after the other, beginning with another one each round: what the machine
 * does beside them, and what one leaves in the caches for the next, meets all alike.
 * @param warmUps rounds at the beginning that are not counted
 * @param memoryBytes claimed before every turn, see claimHostMemory: what a turn takes anew, page cache included
 * @returns the measurements of each contender by its name
 */
export async function interleave(
  contenders: readonly Contender[],
  { rounds, warmUps = 1, memoryBytes = 0 }: { rounds: number; warmUps?: number; memoryBytes?: number },
): Promise<Map<string, number[]>> {
  const measured = new Map<string, number[]>(contenders.map(({ name }) => [name, []]));
  for (let round = 0; round < warmUps + rounds; round++) {
    for (let turn = 0; turn < contenders.length; turn++) {
      const { name, run } = contenders[(round + turn) % contenders.length]!;
      claimHostMemory(memoryBytes);
      await setTimeout(PAUSE_MS);
      const value = await run();
      if (round >= warmUps) measured.get(name)!.push(value);
    }
  }
  return measured;
}
