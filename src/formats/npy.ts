import { InputError } from '../errors.js';
import { type OpenFile, readBytes, withFile } from '../files/open-file.js';
import { type Dtype, dtypeBytes } from './dtype.js';
import { elementCount, shapeText } from './shape.js';

/** The header of a .npy file, and where its elements lie. */
export interface NpyHeader {
  file: string;
  dtype: Dtype;
  shape: number[];
  /** True: the first index varies fastest (columns lie together). False: row-major. */
  fortranOrder: boolean;
  /** Place of the first element, from the start of the file. */
  byteOffset: number;
  byteLength: number;
}

/** NumPy itself writes some 100 bytes, and refuses to evaluate more than 10,000 of a file it does not trust. */
const MAX_HEADER_BYTES = 10_000;

/**
 * Reads and checks the header of a .npy file of format version 1, 2 or 3, and nothing but the header. The elements
 * must be little-endian float16, float32 or float64 and must fill the rest of the file exactly.
 *
 * @throws InputError naming file, what was expected and what came
 */
export async function readNpyHeader(file: string): Promise<NpyHeader> {
  return withFile(file, 'the array', async (opened) => {
    const { text, byteOffset } = await readHeaderText(opened);
    const { descr, fortranOrder, shape } = parseHeader(file, text);
    const dtype = dtypes.get(descr);
    if (dtype === undefined) {
      throw new InputError(
        `${file}: the array's dtype is '${descr}', expected one of ${[...dtypes.keys()].join(', ')} ` +
          "(little-endian floats); convert it with NumPy: numpy.save(path, a.astype('<f4'))",
      );
    }
    const count = elementCount(shape);
    if (count === null) throw invalid(file, `impossible shape (${shape}), expected a product below 2^53`);
    const byteLength = count * dtypeBytes[dtype];
    if (byteOffset + byteLength !== opened.size) {
      throw invalid(
        file,
        `${dtype} ${shapeText(shape)} takes ${byteLength} bytes, the file has ${opened.size - byteOffset} after its header`,
      );
    }
    return { file, dtype, shape, fortranOrder, byteOffset, byteLength };
  });
}

/** NumPy has no bfloat16. */
const dtypes: ReadonlyMap<string, Dtype> = new Map([
  ['<f2', 'float16'],
  ['<f4', 'float32'],
  ['<f8', 'float64'],
]);

/** Layout: magic, major and minor version, header length (u16 in version 1, u32 after), header. */
async function readHeaderText(opened: OpenFile): Promise<{ text: string; byteOffset: number }> {
  const { file, size } = opened;
  if (size < 12) throw invalid(file, `expected at least 12 bytes, the file has ${size}`);
  const head = await readBytes(opened, 0, 12);
  if (!npyMagic.every((byte, index) => head[index] === byte))
    throw invalid(file, 'it does not begin with \\x93NUMPY');
  const [major, minor] = [head[6]!, head[7]!];
  if (major < 1 || major > 3 || minor !== 0) {
    throw invalid(file, `format version ${major}.${minor}, expected 1.0, 2.0 or 3.0`);
  }
  const view = new DataView(head.buffer);
  const length = major === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  if (length > MAX_HEADER_BYTES) {
    throw invalid(file, `the header length is ${length} bytes, at most ${MAX_HEADER_BYTES} are allowed`);
  }
  const start = major === 1 ? 10 : 12;
  const bytes = await readBytes(opened, start, length);
  return { text: decodeText(file, bytes, major), byteOffset: start + length };
}

/** The first bytes of every .npy file: \x93NUMPY. */
export const npyMagic: readonly number[] = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];

function decodeText(file: string, bytes: Uint8Array, major: number): string {
  if (major < 3) return Buffer.from(bytes).toString('latin1');
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw invalid(file, 'the header is not UTF-8', cause);
  }
}

/**
 * The header is a Python dictionary literal with exactly three keys:
 * {'descr': '<f4', 'fortran_order': False, 'shape': (512, 64), }
 */
function parseHeader(file: string, text: string) {
  const fields = parseDictionary(tokenize(text));
  const [descr, fortranOrder, shape] = ['descr', 'fortran_order', 'shape'].map((key) => fields?.get(key));
  if (
    fields?.size !== 3 ||
    typeof descr !== 'string' ||
    typeof fortranOrder !== 'boolean' ||
    !Array.isArray(shape)
  ) {
    const expected = "{'descr': '<f4', 'fortran_order': False, 'shape': (512, 64), }";
    throw invalid(
      file,
      `the header is ${JSON.stringify(text.trim().slice(0, 200))}, expected like ${expected}`,
    );
  }
  return { descr, fortranOrder, shape };
}

type Literal = string | boolean | number[];

/** Text that fits no token comes out as a token that no rule below accepts. */
function tokenize(text: string): string[] {
  return text.match(/'[^'\\\n]*'|"[^"\\\n]*"|True|False|\d+|\S/g) ?? [];
}

/** The functions below take their tokens from the front; null stands for anything they do not know. */
function parseDictionary(tokens: string[]): Map<string, Literal> | null {
  if (tokens.shift() !== '{') return null;
  const fields = new Map<string, Literal>();
  while (tokens[0] !== '}') {
    const key = takeLiteral(tokens);
    if (typeof key !== 'string' || fields.has(key) || tokens.shift() !== ':') return null;
    const value = takeLiteral(tokens);
    if (value === null) return null;
    fields.set(key, value);
    // Python wants a comma between two entries and allows one after the last.
    if (!takeComma(tokens)) break;
  }
  return tokens.shift() === '}' && tokens.length === 0 ? fields : null;
}

function takeLiteral(tokens: string[]): Literal | null {
  const token = tokens.shift() ?? '';
  if (token === '(') return takeSizes(tokens);
  if (token === 'True' || token === 'False') return token === 'True';
  return token.length >= 2 && /^['"]/.test(token) ? token.slice(1, -1) : null;
}

/** Parses what follows the opening bracket of a tuple of whole numbers. */
function takeSizes(tokens: string[]): number[] | null {
  const sizes: number[] = [];
  let commas = 0;
  while (tokens[0] !== ')') {
    const token = tokens.shift() ?? '';
    if (!/^\d+$/.test(token)) return null;
    sizes.push(Number(token));
    if (!takeComma(tokens)) break;
    commas++;
  }
  // (5) is a number in Python, a tuple of one is (5,).
  return tokens.shift() === ')' && (sizes.length !== 1 || commas === 1) ? sizes : null;
}

function takeComma(tokens: string[]): boolean {
  if (tokens[0] !== ',') return false;
  tokens.shift();
  return true;
}

function invalid(file: string, problem: string, cause?: unknown): InputError {
  return new InputError(
    `${file}: not a readable .npy file: ${problem}; save it again with numpy.save, or copy it again`,
    { cause },
  );
}
