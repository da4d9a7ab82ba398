/** Ways from rows of one run to those of another, [count] each, float64 where nothing else is said. */
export interface DisplacementPart {
  /** ||delta|| */
  norm: Float64Array;
  /** ||b||, of the second run's row. */
  endNorm: Float64Array;
  /** ||delta||_M in the metric of the first run. */
  causalNorm: Float64Array;
  /** Cosine between the two rows; NaN of a row of zeros. */
  cosine: Float64Array;
  /** Share of delta's square along the first run's mean row; NaN where nothing moved, or that is zero. */
  meanShare: Float64Array;
  /** Shares of delta's square along bands of the first run's eigenvectors, [count, bands]; NaN where nothing moved. */
  bandShares: Float64Array;
  /** Steps between neighbouring bfloat16 numbers over all coordinates; -1 where rows are not both stored as such. */
  steps: Float64Array;
  /** Most steps of one coordinate, int32; -1 as above. */
  mostSteps: Int32Array;
}

/** Sums over displacements. */
export interface DisplacementSums {
  /** sum delta, [d] */
  sum: Float64Array;
  /** sum delta / ||delta|| over those that moved, [d] */
  units: Float64Array;
  /** sum (delta . v_j)^2, [d] */
  squares: Float64Array;
}

/** Makes displacements of `count` rows, all 0. */
export function emptyDisplacementPart(count: number, bands: number): DisplacementPart {
  const figures = (width = 1) => new Float64Array(count * width);
  return {
    norm: figures(),
    endNorm: figures(),
    causalNorm: figures(),
    cosine: figures(),
    meanShare: figures(),
    bandShares: figures(bands),
    steps: figures(),
    mostSteps: new Int32Array(count),
  };
}

/** Makes sums of displacements of d coordinates, all 0. */
export function emptyDisplacementSums(d: number): DisplacementSums {
  return { sum: new Float64Array(d), units: new Float64Array(d), squares: new Float64Array(d) };
}

/** Puts the displacements of the rows from `first` on among those of all. */
export function placeDisplacementPart(all: DisplacementPart, part: DisplacementPart, first: number): void {
  const count = part.norm.length;
  for (const name of Object.keys(part) as (keyof DisplacementPart)[]) {
    const values = part[name];
    all[name].set(values, (values.length / count) * first);
  }
}
