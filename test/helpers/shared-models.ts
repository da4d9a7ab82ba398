import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { ExecutionContext } from 'ava';
import { testUnless } from './test-unless.js';

/** Compiled, this file is dist/test/helpers/shared-models.js of the checkout; the models lie beside the checkout. */
export const stories260k = resolve(import.meta.dirname, '../../../../shared/models/stories260k');

/** What a test of a real model lacks here; null where it lacks nothing. */
export const modelLack = existsSync(stories260k) ? null : `${stories260k} is absent`;

const declare = testUnless(modelLack);

/** Declares a test that is handed the directory of a real model, stories260k, which is not ours to be in the repository. */
export function realModelTest(
  title: string,
  body: (t: ExecutionContext, model: string) => void | Promise<void>,
): void {
  declare(title, (t) => body(t, stories260k));
}
