/** The angle of a cosine in degrees, which rounding may have put beyond 1. */
export function degrees(cosine: number): number {
  return (Math.acos(Math.min(1, Math.max(-1, cosine))) * 180) / Math.PI;
}
