import path from 'node:path';
import { withCleanUp } from '../files/clean-up.js';
import { DIRECTORY_LOCK } from '../files/lock.js';
import { makeDirectory } from '../files/make-directory.js';
import { waitForLock } from '../files/wait-for-lock.js';
import type { SyntheticRecipe } from '../input/synthetic.js';
import type { RunContext } from './context.js';
import { generateCheckpoint, isGenerated } from './generate-checkpoint.js';

/**
 * Makes the synthetic checkpoint of a recipe where it is not there yet. Of several processes that want the same one at
 * once, as those do that share a batch, one makes it and the others wait for it.
 *
 * @returns whether it was made now
 */
export async function provideGenerated(
  directory: string,
  recipe: SyntheticRecipe,
  { executor, stopwatch, note, signal }: Omit<RunContext, 'hub'>,
): Promise<boolean> {
  if (await isGenerated(directory, recipe)) return false;
  makeDirectory(directory);
  const file = path.join(directory, DIRECTORY_LOCK);
  const lock = await waitForLock(file, `it makes the checkpoint in ${directory}`, { note, signal });
  return withCleanUp(
    async () => {
      if (await isGenerated(directory, recipe)) return false;
      await stopwatch.time(`generate ${directory}`, recipe.rows, (advance) =>
        generateCheckpoint(executor, directory, recipe, advance),
      );
      return true;
    },
    () => lock.release(),
  );
}
