import type { Backend, BackendChoice } from './backend.js';
import { loadKoffi } from './koffi.js';
import { portableBackend } from './portable-backend.js';
import { systemBackend } from './system-backend.js';
import { openSystemLibrary } from './system-library.js';

let held: { key: string; kernels: Promise<Backend> } | undefined;

/** The kernels that the coordinator chose, loaded once in a thread's life. */
export function openBackend(choice: BackendChoice): Promise<Backend> {
  const key = JSON.stringify(choice);
  if (held?.key !== key) held = { key, kernels: open(choice) };
  return held.kernels;
}

async function open(choice: BackendChoice): Promise<Backend> {
  if (choice.backend === 'portable') return portableBackend;
  return systemBackend(openSystemLibrary(await loadKoffi(), choice), choice.float32);
}
