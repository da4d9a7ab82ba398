/**
 * Part of the WebAssembly interface that kernels use. TypeScript declares it in its DOM library only, which
 * would let browser globals pass the type check.
 */
declare namespace WebAssembly {
  class Memory {
    constructor(descriptor: { initial: number; maximum?: number; shared?: boolean });
    /** Bytes; replaced by `grow` unless the memory is shared. */
    readonly buffer: ArrayBuffer;
    /** Adds 64 KiB pages; returns the former number of pages. @throws RangeError when it cannot */
    grow(pages: number): number;
  }
  class Module {
    constructor(bytes: Uint8Array);
  }
  class Instance {
    constructor(module: Module, imports: Record<string, Record<string, unknown>>);
    readonly exports: Record<string, unknown>;
  }
  function validate(bytes: Uint8Array): boolean;
}
