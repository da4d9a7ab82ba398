/** Bits of a float32 number beyond those by which sizes are told apart: two are alike that differ by about 2^-18 of them. */
const BITS_BEYOND = 5;
const SIGN = 0x7fffffff;

/** An odd number of 32 bits that spreads sizes over a table: the golden ratio (Knuth, The Art of Computer Programming, 6.4). */
const SPREADING = 0x9e3779b1;

/** Finds which of some float32 numbers are alike but for their signs. One object serves many lists, one after the other. */
export class LikeNumbers {
  /** Sizes that were met, each where it hashes to or at the next free place; 0 at those. */
  readonly #sizes: Int32Array;
  /** What is kept beside each size. */
  readonly #kept: Int32Array;
  readonly #shift: number;

  /** Makes room for lists of numbers. @param length of each list */
  constructor(length: number) {
    const bits = Math.ceil(Math.log2(2 * length + 2));
    this.#sizes = new Int32Array(2 ** bits);
    this.#kept = new Int32Array(2 ** bits);
    this.#shift = 32 - bits;
  }

  /**
   * Counts ordered pairs of two that are alike, but for those at a boundary. Zeros are like nothing.
   * @param sizes of the numbers, as `sizeOf` gives them
   */
  pairs(sizes: Int32Array): number {
    const [met, counts] = [this.#sizes, this.#kept];
    met.fill(0);
    let pairs = 0;
    for (let k = 0; k < sizes.length; k++) {
      const size = sizes[k]!;
      if (size === 0) continue;
      const at = this.#placeOf(size);
      if (met[at] === 0) {
        met[at] = size;
        counts[at] = 1;
        continue;
      }
      pairs += 2 * counts[at]!;
      counts[at]!++;
    }
    return pairs;
  }

  /**
   * Numbers the groups of those that are alike, from 1 on. Zeros are like nothing.
   *
   * @param sizes of the numbers, as `sizeOf` gives them
   * @param groups takes the group of each number, 0 of one that is alone
   * @returns number of groups
   */
  group(sizes: Int32Array, groups: Uint32Array): number {
    this.#sizes.fill(0);
    let count = 0;
    for (let k = 0; k < sizes.length; k++) {
      groups[k] = 0;
      const size = sizes[k]!;
      if (size === 0) continue;
      // Two that are alike may lie on both sides of a boundary.
      const first = this.#firstOf(size) ?? this.#firstOf(size - 1) ?? this.#firstOf(size + 1);
      const place = this.#placeOf(size);
      if (this.#sizes[place] === 0) {
        this.#sizes[place] = size;
        this.#kept[place] = first ?? k;
      }
      if (first === undefined) continue;
      if (groups[first] === 0) groups[first] = ++count;
      groups[k] = groups[first]!;
    }
    return count;
  }

  /** Index of the first number of a size. */
  #firstOf(size: number): number | undefined {
    if (size === 0) return undefined;
    const at = this.#placeOf(size);
    return this.#sizes[at] === 0 ? undefined : this.#kept[at];
  }

  /** Where a size is, or would be put. */
  #placeOf(size: number): number {
    const sizes = this.#sizes;
    const last = sizes.length - 1;
    let at = Math.imul(size, SPREADING) >>> this.#shift;
    while (sizes[at] !== 0 && sizes[at] !== size) at = (at + 1) & last;
    return at;
  }
}

/** Size of a float32 number, whatever its sign, as a whole number. @param bits the number's 32 bits */
export function sizeOf(bits: number): number {
  return (bits & SIGN) >>> BITS_BEYOND;
}

/** Share of numbers that are spread over their sizes, as weights are, of which another one is alike by chance, at most. */
export function likeByChance(length: number): number {
  return length * 2 ** (BITS_BEYOND - 22);
}

/** Bits of float32 numbers, in place. */
export function bitsOf({ buffer, byteOffset, length }: Float32Array): Int32Array {
  return new Int32Array(buffer, byteOffset, length);
}
