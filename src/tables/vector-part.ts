/** Figures of some vectors, [count] each, float64 where nothing else is said; places is the number of directions. */
export interface VectorPart {
  norm: Float64Array;
  /** sum lambda a^2: the square of the norm in M. */
  tokenSquare: Float64Array;
  /** sum a^2 / lambda: the square of the norm in C + rho I. */
  hiddenSquare: Float64Array;
  /** Square of the dual's Euclidean norm. */
  dualSquare: Float64Array;
  /** Of every pass, one after the other: sum of the squares of its coordinates, [passes, count]. */
  passSquares: Float64Array;
  /** Mean over the vocabulary of every pass's products, [passes, count]; NaN where it is not known. */
  passMeans: Float64Array;
  /** Variance over the vocabulary of every pass's products, [passes, count]; NaN where it is not known. */
  passVariances: Float64Array;
  /** Share of the squared norm along the directions of the largest lambda; NaN of a vector of zeros, as are all shares. */
  darkShare: Float64Array;
  /** 1 / sum of the squared shares: how many directions the vector has, as it were. */
  participation: Float64Array;
  /** Directions of the largest shares, falling, int32 [count, places]. */
  directions: Int32Array;
  /** Coordinates a along them, [count, places]. */
  directionCoordinates: Float64Array;
  /** Shares of them, [count, places]. */
  directionShares: Float64Array;
}

/** Makes the figures of `count` vectors, all 0. */
export function emptyVectorPart(count: number, places: number, passes: number): VectorPart {
  const figures = (width = 1) => new Float64Array(count * width);
  return {
    norm: figures(),
    tokenSquare: figures(),
    hiddenSquare: figures(),
    dualSquare: figures(),
    passSquares: figures(passes),
    passMeans: figures(passes),
    passVariances: figures(passes),
    darkShare: figures(),
    participation: figures(),
    directions: new Int32Array(count * places),
    directionCoordinates: figures(places),
    directionShares: figures(places),
  };
}

/** Puts the figures of the vectors from `first` on among those of all `count`. */
export function placeVectorPart(all: VectorPart, part: VectorPart, first: number): void {
  const count = all.norm.length;
  const some = part.norm.length;
  for (const [name, values] of Object.entries(part) as [keyof VectorPart, Float64Array][]) {
    const target = all[name] as Float64Array;
    if (name.startsWith('pass'))
      for (let pass = 0; pass * some < values.length; pass++)
        target.set(values.subarray(pass * some, (pass + 1) * some), pass * count + first);
    else target.set(values, (values.length / some) * first);
  }
}
