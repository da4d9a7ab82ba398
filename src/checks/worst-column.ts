/** Column whose deviation is the largest for its tolerance. */
export interface WorstColumn {
  index: number;
  deviation: number;
  tolerance: number;
}

/** Finds the column that is farthest off for its tolerance; NaN and infinity are farther than any number. */
export function worstColumn(deviations: Float64Array, tolerances: Float64Array): WorstColumn {
  let index = 0;
  for (let j = 1; j < deviations.length; j++) {
    if (!Number.isFinite(deviations[index]!)) break;
    const isWorse = deviations[j]! * tolerances[index]! > deviations[index]! * tolerances[j]!;
    if (isWorse || !Number.isFinite(deviations[j]!)) index = j;
  }
  return { index, deviation: deviations[index]!, tolerance: tolerances[index]! };
}
