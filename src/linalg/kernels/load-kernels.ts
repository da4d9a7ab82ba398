import { readFileSync } from 'node:fs';
import type { KernelMemory } from './kernel-memory.js';

/** Modules that this thread has compiled, by name. */
const compiled = new Map<string, WebAssembly.Module>();

/** Instantiates assembly/NAME.wasm over `memory`; the first time in a thread it is compiled, in about 5 ms. */
export function loadKernels<Kernels>(name: string, { memory }: KernelMemory): Kernels {
  const module = compiled.get(name) ?? new WebAssembly.Module(kernelBytes(name));
  compiled.set(name, module);
  return new WebAssembly.Instance(module, { env: { memory } }).exports as unknown as Kernels;
}

/** Bytes of assembly/NAME.wasm, as the build made it. */
export function kernelBytes(name: string): Uint8Array {
  return readFileSync(new URL(`../assembly/${name}.wasm`, import.meta.url));
}
