/**
 * Uniform numbers in [0, 1): xoshiro128** (Blackman and Vigna, https://prng.di.unimi.it/xoshiro128starstar.c),
 * one stream for each pair of `seed` and `stream`, its state filled by splitmix32 as its authors advise.
 *
 * @param seed a whole number
 * @param stream a whole number, another for each purpose
 */
export function uniform(seed: number, stream: number): () => number {
  const mix = splitmix32(seed ^ splitmix32(stream)());
  let a = mix();
  let b = mix();
  let c = mix();
  let d = mix();
  return () => {
    const x = Math.imul(b, 5);
    const result = Math.imul((x << 7) | (x >>> 25), 9);
    const t = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= t;
    d = (d << 11) | (d >>> 21);
    return (result >>> 0) / 2 ** 32;
  };
}

function splitmix32(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x9e3779b9) | 0;
    let z = state;
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return z ^ (z >>> 15);
  };
}
