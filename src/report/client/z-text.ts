import type { KnownZ } from './report.js';

/** What the page knows of a token's z along a direction, for reading. */
export function zText(known: KnownZ): string {
  if ('z' in known) return signedText(known.z);
  return `${boundText(known)}: weaker than the directions below`;
}

/** How far from 0 a value is at most, for reading. */
export function boundText({ atMost }: { atMost: number }): string {
  return `within ±${atMost.toPrecision(3)}`;
}

/** Figure with three digits and a sign that is as wide as the plus. */
export function signedText(z: number): string {
  return `${z < 0 ? '−' : '+'}${Math.abs(z).toPrecision(3)}`;
}
