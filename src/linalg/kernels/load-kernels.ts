import { readFileSync } from 'node:fs';
import type { KernelMemory } from './kernel-memory.js';

/** Compiles assembly/NAME.wasm over `memory`; about 5 ms, once a thread. */
export function loadKernels<Kernels>(name: string, { memory }: KernelMemory): Kernels {
  const instance = new WebAssembly.Instance(new WebAssembly.Module(kernelBytes(name)), { env: { memory } });
  return instance.exports as unknown as Kernels;
}

/** Bytes of assembly/NAME.wasm, as the build made it. */
export function kernelBytes(name: string): Uint8Array {
  return readFileSync(new URL(`../assembly/${name}.wasm`, import.meta.url));
}
