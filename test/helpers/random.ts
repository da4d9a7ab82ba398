/** Uniform numbers in [-1, 1), the same for the same seed (mulberry32, Tommy Ettinger, public domain). */
export function seededRandom(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let z = Math.imul(state ^ (state >>> 15), state | 1);
    z ^= z + Math.imul(z ^ (z >>> 7), z | 61);
    return ((z ^ (z >>> 14)) >>> 0) / 2 ** 31 - 1;
  };
}

/** Two sources of numbers on one seed, the same for the same seed. */
export function randomNumbers(seed: number): { uniform: () => number; normal: () => number } {
  const random = seededRandom(seed);
  /** In [0, 1). */
  const uniform = () => (random() + 1) / 2;
  /** Mean 0 and variance 1. */
  const normal = () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
  return { uniform, normal };
}

/** Array of seeded uniform numbers in [-1, 1), float32. */
export function randomFloat32(length: number, seed: number): Float32Array<ArrayBuffer> {
  const random = seededRandom(seed);
  return Float32Array.from({ length }, random);
}

/** Array of seeded uniform numbers in [-1, 1), float64. */
export function randomFloat64(length: number, seed: number): Float64Array<ArrayBuffer> {
  const random = seededRandom(seed);
  return Float64Array.from({ length }, random);
}

/**
 * An orthogonal matrix [d, d], row-major: a product of random plane rotations of neighbouring columns, each exact
 * to a few rounding errors, so the whole to about d of them.
 */
export function randomOrthogonal(d: number, seed: number): Float64Array<ArrayBuffer> {
  const random = seededRandom(seed);
  const matrix = new Float64Array(d * d);
  for (let i = 0; i < d; i++) matrix[i * d + i] = 1;
  for (let round = 0; round < 3; round++) {
    for (let a = 0; a + 1 < d; a++) {
      const b = a + 1 + Math.floor(((random() + 1) / 2) * (d - a - 1));
      const angle = Math.PI * random();
      const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
      for (let i = 0; i < d; i++) {
        const x = matrix[i * d + a]!;
        const y = matrix[i * d + b]!;
        matrix[i * d + a] = cos * x - sin * y;
        matrix[i * d + b] = sin * x + cos * y;
      }
    }
  }
  return matrix;
}

/** Bytes of every value. */
export function randomBytes(length: number, seed: number): Uint8Array<ArrayBuffer> {
  const random = seededRandom(seed);
  const words = Uint32Array.from({ length: Math.ceil(length / 4) }, () => random() * 2 ** 31);
  return new Uint8Array(words.buffer, 0, length);
}
