import { parentPort } from 'node:worker_threads';
import type { Backend, BackendChoice } from './backend.js';
import type { DeviceRequest } from './device-product.js';
import { loadKoffi } from './koffi.js';
import { portableBackend } from './portable-backend.js';
import { systemBackend } from './system-backend.js';
import { openSystemLibrary } from './system-library.js';
import { webgpuBackend } from './webgpu-backend.js';

let held: { key: string; backend: Promise<Backend> } | undefined;

/** Opens, in a thread of a pool, the backend that was chosen for a run; the thread loads it once. */
export function openBackend(choice: BackendChoice): Promise<Backend> {
  const key = JSON.stringify(choice);
  if (held?.key !== key) held = { key, backend: loadBackend(choice) };
  return held.backend;
}

async function loadBackend(choice: BackendChoice): Promise<Backend> {
  switch (choice.backend) {
    case 'portable':
      return portableBackend;
    case 'system':
      return systemBackend(openSystemLibrary(await loadKoffi(), choice), choice.float32);
    case 'webgpu':
      return webgpuBackend(choice.adapter, askParent);
  }
}

/** Asks the thread that owns the pool to send a request on to the device's. */
function askParent(request: DeviceRequest): void {
  parentPort!.postMessage(request, [request.port]);
}
