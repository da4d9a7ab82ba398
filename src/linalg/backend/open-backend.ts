import type { Backend, BackendChoice } from './backend.js';
import { loadKoffi } from './koffi.js';
import { portableBackend } from './portable-backend.js';
import { systemBackend } from './system-backend.js';
import { openSystemLibrary } from './system-library.js';

let held: { key: string; backend: Promise<Backend> } | undefined;

/** Opens the backend that was chosen for a run; a thread loads it once. */
export function openBackend(choice: BackendChoice): Promise<Backend> {
  const key = JSON.stringify(choice);
  if (held?.key !== key) held = { key, backend: loadBackend(choice) };
  return held.backend;
}

async function loadBackend(choice: BackendChoice): Promise<Backend> {
  if (choice.backend === 'portable') return portableBackend;
  return systemBackend(openSystemLibrary(await loadKoffi(), choice), choice.float32);
}
