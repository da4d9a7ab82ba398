// What kernels share: steps of SIMD, inlined where they are used.

/** Computes a b + c, in one rounding or two. */
// @ts-ignore: decorator
@inline
export function madd(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f64x2.relaxed_madd(a, b, c);
  return f64x2.add(f64x2.mul(a, b), c);
}

/** The sum of both lanes. */
// @ts-ignore: decorator
@inline
export function horizontal(sum: v128): f64 {
  return f64x2.extract_lane(sum, 0) + f64x2.extract_lane(sum, 1);
}

/** Loads two float32 as float64. */
// @ts-ignore: decorator
@inline
export function low(src: usize): v128 {
  return f64x2.promote_low_f32x4(v128.load64_zero(src));
}
