/** Lists what a metric is the inverse of: the covariance, or the second moment about zero, C + mu mu^T. */
export const secondMoments = ['centred', 'uncentred'] as const;

/** One of secondMoments. */
export type SecondMoment = (typeof secondMoments)[number];
