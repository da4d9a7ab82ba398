import { ByteWriter } from 'hyparquet-writer/src/bytewriter.js';

/** Types of Thrift's compact protocol, as they stand before a value. */
const types = { false: 2, i32: 5, i64: 6, binary: 8, list: 9, struct: 12 } as const;

/** Type of the elements of a list. */
type ElementType = 'i32' | 'binary' | 'struct';

/** Lists of more elements than this say their number behind their type, not beside it. */
const MOST_BESIDE = 14;

/**
 * Writes Thrift's compact protocol field by field. What a Parquet file says of itself is in it: of 2,560 columns it is written
 * in 30 ms of a new thread, where objects of all of them, to be made and to be taken away again, cost 100 ms.
 */
export class CompactWriter {
  readonly #out: ByteWriter;
  /** Number of the field before, in the struct that is written. */
  #last = 0;

  /** @param bytes that are expected; the writer grows by itself */
  constructor(bytes: number) {
    this.#out = new ByteWriter(bytes);
  }

  /** What has been written. */
  bytes(): Uint8Array {
    return this.#out.getBytes();
  }

  /** Writes a whole number as field `id`. */
  integer(id: number, type: 'i32' | 'i64', value: number): void {
    this.#field(id, type);
    this.integerElement(value);
  }

  /** Writes `false` as field `id`. */
  no(id: number): void {
    this.#field(id, 'false');
  }

  /** Writes a text, or bytes, as field `id`. */
  binary(id: number, value: string | Uint8Array): void {
    this.#field(id, 'binary');
    this.binaryElement(value);
  }

  /** Writes a struct as field `id`, whose fields `fill` writes. */
  struct(id: number, fill: () => void): void {
    this.#field(id, 'struct');
    this.structElement(fill);
  }

  /** Begins a list of so many elements as field `id`; they follow, each by itself. */
  list(id: number, type: ElementType, count: number): void {
    this.#field(id, 'list');
    // An empty list has no type.
    const element = count === 0 ? 0 : types[type];
    if (count > MOST_BESIDE) {
      this.#out.appendUint8(0xf0 | element);
      this.#out.appendVarInt(count);
    } else {
      this.#out.appendUint8((count << 4) | element);
    }
  }

  /** Writes a whole number of a list, from -2^51 up to 2^51, beyond which no file is. */
  integerElement(value: number): void {
    let zigzag = value < 0 ? -2 * value - 1 : 2 * value;
    for (; zigzag >= 0x80; zigzag = Math.floor(zigzag / 0x80)) this.#out.appendUint8((zigzag % 0x80) | 0x80);
    this.#out.appendUint8(zigzag);
  }

  /** Writes a text, or bytes, of a list. */
  binaryElement(value: string | Uint8Array): void {
    const bytes = typeof value === 'string' ? Buffer.from(value) : value;
    this.#out.appendVarInt(bytes.length);
    this.#out.appendBytes(bytes);
  }

  /** Writes a struct of a list, or the outermost one, whose fields `fill` writes. */
  structElement(fill: () => void): void {
    const outer = this.#last;
    this.#last = 0;
    fill();
    this.#out.appendUint8(0);
    this.#last = outer;
  }

  #field(id: number, type: keyof typeof types): void {
    // Within 15 of the field before: that is all that Parquet has.
    this.#out.appendUint8(((id - this.#last) << 4) | types[type]);
    this.#last = id;
  }
}
