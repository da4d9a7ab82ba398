import { readFileSync } from 'node:fs';
import { arch } from 'node:os';

/** Peak of a core: an estimate, whose grounds `basis` gives. */
export interface CorePeak {
  gflops: Record<'float32' | 'float64', number>;
  basis: string;
}

/**
 * Latency of a 32-bit multiplication in clock cycles, on every x86-64 core of Intel since 2008 and of AMD since 2017.
 */
const MULTIPLY_CYCLES = 3;

/** AMD family 25 (Zen 3 and 4): its vector units are 256 bits wide, AVX-512 takes two passes. */
const AMD_256_BIT_FAMILY = 25;

/**
 * Estimates the peak as clock frequency x floating-point operations a cycle. The frequency is measured, since what
 * /proc/cpuinfo gives is often not what the core runs at; the operations a cycle are those of two fused multiply-add
 * units of the widest kind that the processor says it has, and too many for a core with one.
 * @returns null where /proc/cpuinfo is not that of an x86-64 processor with FMA
 */
export function corePeak(): CorePeak | null {
  if (arch() !== 'x64') return null;
  let text: string;
  try {
    text = readFileSync('/proc/cpuinfo', 'utf8');
  } catch {
    return null;
  }
  const field = (name: string) => new RegExp(`^${name}\\s*: (.*)$`, 'm').exec(text)?.[1] ?? '';
  const flags = new Set(field('flags').split(' '));
  if (!flags.has('fma')) return null;
  const isSplit = field('vendor_id') === 'AuthenticAMD' && Number(field('cpu family')) === AMD_256_BIT_FAMILY;
  const bits = flags.has('avx512f') && !isSplit ? 512 : 256;
  const clock = measuredClock();
  const perCycle = (bits / 32) * 2 * 2;
  return {
    gflops: { float32: (clock * perCycle) / 1e9, float64: (clock * perCycle) / 2e9 },
    basis:
      `${(clock / 1e9).toFixed(2)} GHz, measured by a chain of multiplications of ${MULTIPLY_CYCLES} cycles each, ` +
      `x ${perCycle} float32 operations a cycle (two ${bits}-bit FMA units, assumed)`,
  };
}

/** Clock frequency in Hz: the best of several attempts, since an interruption only makes the core look slower. */
function measuredClock(): number {
  const length = 2 ** 20;
  let best = 0;
  // The first attempts are interpreted.
  for (let attempt = 0; attempt < 50; attempt++) {
    const started = performance.now();
    const end = multiplyChain(length, 0x9e3779b1 + attempt);
    const seconds = (performance.now() - started) / 1000;
    // Odd times odd is odd; reading the result keeps the chain from being optimised away.
    if (end % 2 === 0) throw new Error('the chain of odd numbers ended with an even one');
    best = Math.max(best, (length * 16 * MULTIPLY_CYCLES) / seconds);
  }
  return best;
}

/**
 * Does 16 `length` multiplications, each of which needs the one before. The factor is no constant, or the compiler
 * would fold several into one.
 */
function multiplyChain(length: number, factor: number): number {
  const odd = factor | 1;
  let x = 1;
  for (let i = 0; i < length; i++) {
    x = Math.imul(x, odd);
    x = Math.imul(x, odd);
    x = Math.imul(x, odd);
    x = Math.imul(x, odd);
    x = Math.imul(x, odd);
    x = Math.imul(x, odd);
    x = Math.imul(x, odd);
    x = Math.imul(x, odd);
    x = Math.imul(x, odd);
    x = Math.imul(x, odd);
    x = Math.imul(x, odd);
    x = Math.imul(x, odd);
    x = Math.imul(x, odd);
    x = Math.imul(x, odd);
    x = Math.imul(x, odd);
    x = Math.imul(x, odd);
  }
  return x;
}
