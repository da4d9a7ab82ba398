// Typed arrays as one run of bytes, and back. The bytes of an array lie in planes, all lowest bytes first, then all
// second ones: neighbours are alike there, and gzip makes far less of them. Little-endian, as every browser's typed
// arrays are.

/** Constructors of the arrays that can be packed, by the name of their type. */
export const arrayTypes = {
  uint8: Uint8Array,
  uint16: Uint16Array,
  int16: Int16Array,
  int32: Int32Array,
  float32: Float32Array,
} as const;

/** Name of an array's type. */
export type ArrayType = keyof typeof arrayTypes;
/** Array that can be packed. */
export type PackedArray = Uint8Array | Uint16Array | Int16Array | Int32Array | Float32Array;

/** Entry of one array: entries follow each other in the bytes. */
export interface PackedEntry {
  name: string;
  type: ArrayType;
  length: number;
}

/** Packs arrays by their names, in the order given. */
export function packArrays(arrays: Readonly<Record<string, PackedArray>>): {
  entries: PackedEntry[];
  bytes: Uint8Array;
} {
  const all = Object.entries(arrays);
  const bytes = new Uint8Array(all.reduce((sum, [, array]) => sum + array.byteLength, 0));
  let offset = 0;
  const entries = all.map(([name, array]) => {
    const size = array.BYTES_PER_ELEMENT;
    const source = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
    for (let plane = 0; plane < size; plane++) {
      for (let k = plane; k < source.length; k += size) bytes[offset++] = source[k]!;
    }
    return { name, type: typeOf(array), length: array.length };
  });
  return { entries, bytes };
}

/** Unpacks what `packArrays` has packed. @throws RangeError where the bytes are not those of the entries */
export function unpackArrays(
  entries: readonly PackedEntry[],
  bytes: Uint8Array,
): Record<string, PackedArray> {
  let offset = 0;
  const arrays = entries.map(({ name, type, length }) => {
    const array = new arrayTypes[type](length);
    const target = new Uint8Array(array.buffer);
    const size = array.BYTES_PER_ELEMENT;
    for (let plane = 0; plane < size; plane++) {
      for (let k = plane; k < target.length; k += size) target[k] = bytes[offset++]!;
    }
    return [name, array] as const;
  });
  if (offset !== bytes.length) {
    throw new RangeError(`unpackArrays: the entries need ${offset} bytes, not ${bytes.length}`);
  }
  return Object.fromEntries(arrays);
}

function typeOf(array: PackedArray): ArrayType {
  for (const [type, constructs] of Object.entries(arrayTypes)) {
    if (array instanceof constructs) return type as ArrayType;
  }
  throw new TypeError(`packArrays: ${Object.prototype.toString.call(array)} is none of the types`);
}
