import { z } from 'zod';
import { type BackendName, backendNames } from '../linalg/backend/backend.js';
import { MOST_NEIGHBOURS, type NeighbourMeasure, neighbourMeasures } from '../tables/neighbour-measures.js';
import { configSchema } from './config.js';

/** Which neighbours are wanted, and how they are found. */
export interface NeighbourOptions {
  /** Neighbours of each token, at most 1,000. Default: 20. */
  k?: number | undefined;
  /** Measures; knots are tied by the first. Default: 'causal_cosine'. */
  measures?: NeighbourMeasure[] | undefined;
  /** What multiplies: 'auto', 'portable', 'system' or 'webgpu'. Default: 'auto'. The answer does not depend on it. */
  backend?: BackendName | undefined;
  /** Worker threads. Default: the cores available. */
  workers?: number | undefined;
}

/** How these options are checked. */
export const neighbourShape = {
  k: z.int().min(1).max(MOST_NEIGHBOURS).optional(),
  measures: z
    .array(z.enum(neighbourMeasures))
    .min(1)
    .refine((measures) => new Set(measures).size === measures.length, 'expected each measure once')
    .optional(),
  backend: z.enum(backendNames).optional(),
  workers: configSchema.shape.workers.unwrap().optional(),
};

/** What is asked for: k neighbours of every token, by each of some measures. */
export interface NeighbourRequest {
  k: number;
  measures: NeighbourMeasure[];
}

/** What some options ask for. */
export function requestOf({ k = 20, measures = ['causal_cosine'] }: NeighbourOptions): NeighbourRequest {
  return { k, measures };
}
