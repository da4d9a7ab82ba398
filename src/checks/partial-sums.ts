/** What the terms of each column have added up to, of the mean row and of what rows differ by. Arrays are [d]. */
export class PartialSums {
  /** Of the mean row. */
  readonly sums: Float64Array;
  /** Of the squares v_kj^2. */
  readonly shares: Float64Array;
  /** Of the variances C_kk v_kj^2. */
  readonly walks: Float64Array;

  /** Begins with sums of nothing. */
  constructor(d: number) {
    this.sums = new Float64Array(d);
    this.shares = new Float64Array(d);
    this.walks = new Float64Array(d);
  }

  /** Begins again with sums of nothing. */
  clear(): void {
    for (const values of [this.sums, this.shares, this.walks]) values.fill(0);
  }

  /** Adds the terms of a coordinate. @param v its entries of the eigenvectors, [d] */
  addTerms(v: Float32Array, mean: number, variance: number): void {
    const { sums, shares, walks } = this;
    for (let j = 0; j < v.length; j++) {
      const entry = v[j]!;
      sums[j]! += mean * entry;
      shares[j]! += entry * entry;
      walks[j]! += variance * entry * entry;
    }
  }

  /** Adds what other terms have added up to. */
  addSums(other: PartialSums): void {
    for (let j = 0; j < this.sums.length; j++) {
      this.sums[j]! += other.sums[j]!;
      this.shares[j]! += other.shares[j]!;
      this.walks[j]! += other.walks[j]!;
    }
  }
}
