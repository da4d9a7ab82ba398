import { decodeFloats } from '../dtype.js';
import {
  isKind,
  isTuple,
  opaque,
  type PickleGlobal,
  type PickleObject,
  type PickleValue,
} from './pickle-value.js';

/** The type of a NumPy value, as numpy.dtype makes it. */
interface NumpyDtype extends PickleObject {
  readonly kind: 'numpy dtype';
  /** Letter and bytes: 'f8', 'i4', 'b1', 'U12'. */
  readonly code: string;
  /** Set by the pickle after the dtype is made, as Python does. */
  isBigEndian: boolean;
}

/**
 * The globals by which NumPy's single values and Python's bytes are pickled: np.float64(1e-6) is
 * scalar(dtype('f8'), bytes), and protocol 2 writes bytes as encode(text, 'latin1'). Numbers and booleans become
 * values; strings, dates and whole arrays are passed over.
 */
export const numpyGlobals: readonly PickleGlobal[] = [
  { kind: 'global', name: '_codecs encode', call: encodeBytes },
  { kind: 'global', name: 'numpy dtype', call: makeDtype },
  ...['numpy.core.multiarray', 'numpy._core.multiarray'].flatMap((module): PickleGlobal[] => [
    { kind: 'global', name: `${module} scalar`, call: readScalar },
    { kind: 'global', name: `${module} _reconstruct`, call: () => opaque('numpy ndarray') },
  ]),
  ...['numpy.core.numeric', 'numpy._core.numeric'].map(
    (module): PickleGlobal => ({
      kind: 'global',
      name: `${module} _frombuffer`,
      call: () => opaque('numpy ndarray'),
    }),
  ),
  { kind: 'global', name: 'numpy ndarray' },
];

/** No number has more bytes; longer ones are not copied, because a pickle may name one text again and again. */
const LONGEST_SCALAR = 16;

function encodeBytes(args: readonly PickleValue[]): PickleValue {
  const [text, encoding] = args;
  if (typeof text !== 'string' || text.length > LONGEST_SCALAR || encoding !== 'latin1') {
    return opaque('_codecs encode');
  }
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

/** ('f8', align, copy): the first says all. */
function makeDtype([code]: readonly PickleValue[]): PickleValue {
  const dtype: NumpyDtype = {
    kind: 'numpy dtype',
    code: typeof code === 'string' ? code : '',
    isBigEndian: false,
    // (version, byte order, ...), as numpy.dtype.__reduce__ gives it.
    setState: (state) => {
      dtype.isBigEndian = isTuple(state) && state[1] === '>';
    },
  };
  return dtype;
}

function readScalar([dtype, bytes]: readonly PickleValue[]): PickleValue {
  const nothing = opaque('numpy scalar');
  if (!isKind<NumpyDtype>(dtype, 'numpy dtype') || !(bytes instanceof Uint8Array)) return nothing;
  const number = numbers.get(dtype.code);
  if (number === undefined || bytes.length !== number.bytes) return nothing;
  return number.read(new DataView(bytes.buffer, bytes.byteOffset), !dtype.isBigEndian);
}

/** Readers of numbers from their bytes, by NumPy's code of the type. */
const numbers: ReadonlyMap<
  string,
  { bytes: number; read: (view: DataView, isLittle: boolean) => PickleValue }
> = new Map([
  ['b1', { bytes: 1, read: (view) => view.getUint8(0) !== 0 }],
  ['i1', { bytes: 1, read: (view) => view.getInt8(0) }],
  ['u1', { bytes: 1, read: (view) => view.getUint8(0) }],
  ['i2', { bytes: 2, read: (view, isLittle) => view.getInt16(0, isLittle) }],
  ['u2', { bytes: 2, read: (view, isLittle) => view.getUint16(0, isLittle) }],
  ['i4', { bytes: 4, read: (view, isLittle) => view.getInt32(0, isLittle) }],
  ['u4', { bytes: 4, read: (view, isLittle) => view.getUint32(0, isLittle) }],
  ['i8', { bytes: 8, read: (view, isLittle) => Number(view.getBigInt64(0, isLittle)) }],
  ['u8', { bytes: 8, read: (view, isLittle) => Number(view.getBigUint64(0, isLittle)) }],
  ['f2', { bytes: 2, read: readHalf }],
  ['f4', { bytes: 4, read: (view, isLittle) => view.getFloat32(0, isLittle) }],
  ['f8', { bytes: 8, read: (view, isLittle) => view.getFloat64(0, isLittle) }],
]);

function readHalf(view: DataView, isLittle: boolean): number {
  const bytes = Uint8Array.of(view.getUint8(isLittle ? 0 : 1), view.getUint8(isLittle ? 1 : 0));
  const value = new Float64Array(1);
  decodeFloats(bytes, 'float16', value);
  return value[0]!;
}
