import type { ExecutionContext } from 'ava';
import { InputError } from '../../src/errors.js';
import type { Backend } from '../../src/linalg/backend/backend.js';
import { chooseBackend } from '../../src/linalg/backend/choose-backend.js';
import { loadKoffi } from '../../src/linalg/backend/koffi.js';
import { testUnless } from './test-unless.js';

const kernels = await chooseBackend({ backend: 'system' }, () => {}).catch(refusal);
const declare = testUnless(kernels instanceof InputError ? firstLine(kernels) : null);

/** Declares a test that is handed the backend of this machine's system library. */
export function systemKernelsTest(
  title: string,
  body: (t: ExecutionContext, kernels: Backend) => Promise<void>,
): void {
  declare(title, (t) => {
    if (kernels instanceof InputError) throw kernels;
    t.log(`${kernels.identity.library}: ${kernels.identity.version}`);
    return body(t, kernels);
  });
}

/** Declares a test that opens files as system libraries. */
export const koffiTest = testUnless(
  await loadKoffi().then(
    () => null,
    (error: Error) => `koffi cannot be loaded: ${firstLine(error)}`,
  ),
);

/** Only the refusal of every library means that there is none. */
function refusal(error: unknown): InputError {
  if (error instanceof InputError) return error;
  throw error;
}

function firstLine({ message }: Error): string {
  return message.replace(/:?\n[\s\S]*/, '');
}
