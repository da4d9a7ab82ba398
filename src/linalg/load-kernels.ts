import { readFileSync } from 'node:fs';
import type { KernelMemory } from './kernel-memory.js';

/** Compiles kernels/NAME.wasm over `memory`; about 5 ms, once a worker. */
export function loadKernels<Kernels>(name: string, { memory }: KernelMemory): Kernels {
  const bytes = readFileSync(new URL(`./kernels/${name}.wasm`, import.meta.url));
  const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory } });
  return instance.exports as unknown as Kernels;
}
