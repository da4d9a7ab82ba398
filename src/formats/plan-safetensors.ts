import { type Dtype, dtypeBytes, safetensorsNames } from './dtype.js';
import { type FileLayout, type TensorPlace, tensorBytes } from './layout.js';

/**
 * Plans a .safetensors file: header length (u64), JSON header, the tensors without gaps. The header is padded with
 * spaces to a multiple of 8, and wider elements come first, so that every tensor begins on a boundary of its own
 * element and readers may map it instead of copying it.
 *
 * @param tensors by name; all names but '__metadata__' are free
 * @param metadata stored as `__metadata__`, in this order
 */
export function planSafetensorsFile(
  tensors: Readonly<Record<string, { shape: readonly number[]; dtype: Dtype }>>,
  metadata: Readonly<Record<string, string>>,
): FileLayout {
  if (METADATA in tensors) throw new RangeError(`planSafetensorsFile: no tensor can be called ${METADATA}`);
  const order = Object.entries(tensors).sort(([, a], [, b]) => dtypeBytes[b.dtype] - dtypeBytes[a.dtype]);
  // Relative to the end of the header, as the header itself counts.
  const places = new Map<string, TensorPlace>();
  let dataBytes = 0;
  for (const [name, spec] of order) {
    const byteLength = tensorBytes(spec);
    places.set(name, { name, byteOffset: dataBytes, byteLength });
    dataBytes += byteLength;
  }
  const header = headerBytes({
    [METADATA]: metadata,
    ...Object.fromEntries(
      order.map(([name, { dtype, shape }]) => {
        const { byteOffset, byteLength } = places.get(name)!;
        const offsets = [byteOffset, byteOffset + byteLength];
        return [name, { dtype: safetensorsNames[dtype], shape, data_offsets: offsets }];
      }),
    ),
  });
  return {
    bytes: header.length + dataBytes,
    tensors: Object.keys(tensors).map((name) => {
      const place = places.get(name)!;
      return { ...place, byteOffset: header.length + place.byteOffset };
    }),
    frame: () => [{ offset: 0, bytes: header }],
  };
}

const METADATA = '__metadata__';

const LENGTH_BYTES = 8;
const ALIGNMENT = 8;

function headerBytes(fields: Record<string, unknown>): Uint8Array {
  const text = Buffer.from(JSON.stringify(fields));
  const textBytes = Math.ceil(text.length / ALIGNMENT) * ALIGNMENT;
  const header = Buffer.alloc(LENGTH_BYTES + textBytes, ' ');
  header.writeBigUInt64LE(BigInt(textBytes));
  text.copy(header, LENGTH_BYTES);
  return header;
}
