import { existsSync, statSync } from 'node:fs';
import path from 'node:path';
import { configNames, weightName } from './model-config.js';

/** Says, from names alone, what of a checkpoint lies at a path, for messages; null where nothing does. */
export function checkpointKind(place: string): string | null {
  const found = statSync(place, { throwIfNoEntry: false });
  if (found === undefined) return null;
  if (!found.isDirectory()) return weightName.test(place) ? 'a file of weights or a metric' : null;
  return configNames.some((name) => existsSync(path.join(place, name))) ? 'a checkpoint' : null;
}
