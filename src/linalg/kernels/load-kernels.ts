import { readFileSync } from 'node:fs';

/** Compiles assembly/NAME.wasm over `memory`; about 5 ms, once a worker. */
export function loadKernels<Kernels>(name: string, memory: WebAssembly.Memory): Kernels {
  const instance = new WebAssembly.Instance(new WebAssembly.Module(kernelBytes(name)), { env: { memory } });
  return instance.exports as unknown as Kernels;
}

/** The compiled kernels, as they stand on the disk. */
export function kernelBytes(name: string): Uint8Array {
  return readFileSync(new URL(`../assembly/${name}.wasm`, import.meta.url));
}
