import type { ExecutionContext } from 'ava';
import type { Backend } from '../../src/linalg/backend/backend.js';
import { chooseBackend } from '../../src/linalg/backend/choose-backend.js';

/**
 * The kernels of this machine's system library.
 *
 * @returns null where there is none, after saying so in the test's log and passing the test
 */
export async function systemKernelsHere(t: ExecutionContext): Promise<Backend | null> {
  try {
    const kernels = await chooseBackend({ backend: 'system' }, () => {});
    t.log(`${kernels.identity.library}: ${kernels.identity.version}`);
    return kernels;
  } catch (error) {
    t.log(`SKIPPED: ${(error as Error).message}`);
    t.pass();
    return null;
  }
}
