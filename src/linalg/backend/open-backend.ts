import { parentPort } from 'node:worker_threads';
import type { Backend, BackendChoice } from './backend.js';
import type { DeviceRequest } from './device-product.js';
import { portableBackend } from './portable-backend.js';

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
    case 'system': {
      const { loadKoffi } = await import('./koffi.js');
      const { openSystemLibrary } = await import('./system-library.js');
      const { systemBackend } = await import('./system-backend.js');
      return systemBackend(openSystemLibrary(await loadKoffi(), choice), { sums: 'system', ...choice });
    }
    case 'webgpu': {
      const { webgpuBackend } = await import('./webgpu-backend.js');
      return webgpuBackend(choice.adapter, askParent);
    }
  }
}

/** Asks the thread that owns the pool to send a request on to the device's. */
function askParent(request: DeviceRequest): void {
  parentPort!.postMessage(request, [request.port]);
}
