/**
 * Coefficients of P, lowest first, with which asin(x) in degrees is x P(x^2) for |x| <= 0.3: the polynomial of degree 2
 * whose largest relative error is the least, 1.2e-6 (found by the Remez algorithm), rounded to float32. In float32, a
 * value is off by 2.2e-5 degrees at most. Larger cosines are rare where there are many dimensions: they get an exact
 * arcsine.
 */
export const ARCSINE_POLYNOMIAL = [57.29584503173828, 9.53638744354248, 4.669595718383789];

/**
 * Squares of cosines from here on are looked at one by one: a little below the first threshold of alignment, 0.1,
 * because they are of float32 accuracy.
 */
export const NOTICED_SQUARE = 0.009999;
