/** Angle in degrees of a cosine, which rounding may have put beyond 1. */
export function degrees(cosine: number): number {
  return (Math.acos(Math.min(1, Math.max(-1, cosine))) * 180) / Math.PI;
}
