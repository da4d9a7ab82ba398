import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { ExecutionContext } from 'ava';

/** Compiled, this file is dist/test/helpers/shared-models.js of the checkout; the models lie beside the checkout. */
const models = resolve(import.meta.dirname, '../../../../shared/models');

/**
 * The directory of a real model that is too large, or not ours, to be in the repository.
 *
 * @returns null where it is absent, after saying so in the test's log and passing the test
 */
export function sharedModel(t: ExecutionContext, name: string): string | null {
  const directory = join(models, name);
  if (existsSync(directory)) return directory;
  t.log(`SKIPPED: ${directory} is absent`);
  t.pass();
  return null;
}
