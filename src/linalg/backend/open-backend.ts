import type { DenseKernels, KernelsChoice } from './backend.js';
import { loadKoffi } from './koffi.js';
import { portableKernels } from './portable-backend.js';
import { systemKernels } from './system-backend.js';
import { openSystemLibrary } from './system-library.js';

let held: { key: string; kernels: Promise<DenseKernels> } | undefined;

/** The kernels that the coordinator chose, loaded once in a thread's life. */
export function openKernels(choice: KernelsChoice): Promise<DenseKernels> {
  const key = JSON.stringify(choice);
  if (held?.key !== key) held = { key, kernels: open(choice) };
  return held.kernels;
}

async function open(choice: KernelsChoice): Promise<DenseKernels> {
  if (choice.backend === 'portable') return portableKernels;
  return systemKernels(openSystemLibrary(await loadKoffi(), choice), choice.float32);
}
