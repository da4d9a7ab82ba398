import type { Matrix } from '../linalg/matrix.js';
import { squaredNorm, traceOf } from '../linalg/matrix-products.js';
import { meanOf, momentsOf } from '../linalg/moments.js';
import { causalCka, linearCka, type Whitening, whiteningOf } from '../linalg/similarity/cka.js';
import { procrustes } from '../linalg/similarity/procrustes.js';
import { singularValues } from '../linalg/similarity/singular-values.js';
import type { ComparisonFigure, ComparisonFigures } from '../output/comparison-folder.js';
import { type ComparedBand, type ComparedSpectra, eigenvalueFlow } from '../tables/band-table.js';
import type { ComparedPair } from './compared-pair.js';
import type { CrossCovariances } from './cross-covariances.js';
import type { Displacements } from './measure-pairs.js';
import type { NeighboursKept } from './neighbours-kept.js';

/** Figures of a comparison, and why those are null that are. */
export interface ExplainedFigures {
  figures: ComparisonFigures;
  unknown: Partial<Record<ComparisonFigure, string>>;
}

/** What the figures of a comparison are made of; null where it cannot be computed. */
export interface ComparedParts {
  covariances: CrossCovariances;
  displacements: Displacements | null;
  spectra: ComparedSpectra;
  subspaces: readonly ComparedBand[] | null;
  kept: NeighboursKept | null;
}

/** Makes the figures of a comparison. */
export async function comparisonFigures(pair: ComparedPair, found: ComparedParts): Promise<ExplainedFigures> {
  const { covariances, displacements, spectra, subspaces, kept } = found;
  const similarities = await similaritiesOf(pair, covariances, areEqual(displacements));
  const figures: ComparisonFigures = {
    displacement: displacements && displacementFigures(displacements),
    coherence: displacements && coherenceOf(displacements),
    steps: displacements && stepFigures(displacements),
    ...similarities,
    flow: flowFigures(spectra),
    subspaces: subspaces === null || subspaces.length === 0 ? null : subspaces.map(({ ...band }) => band),
    neighbours: kept && { kept: kept.kept, chance: kept.chance, sample: kept.sample, k: kept.k },
  };
  const reasons = reasonsOf(pair, covariances);
  const missing = (Object.keys(figures) as ComparisonFigure[]).filter((name) => figures[name] === null);
  return { figures, unknown: Object.fromEntries(missing.map((name) => [name, reasons(name)])) };
}

/** Whether no shared row differs between two runs. */
function areEqual(displacements: Displacements | null): boolean {
  return displacements?.part.norm.every((norm) => norm === 0) ?? false;
}

/** Share of the mean row's square, below which a variance is rounding: of sums in float64 over any vocabulary. */
const ROUNDING_SHARE = 2 ** -80;

/** Whether all rows are one but for rounding. */
export function isConstant(covariance: Matrix<Float64Array>, mean: Float64Array): boolean {
  const square = mean.reduce((sum, value) => sum + value * value, 0);
  return !(traceOf(covariance) > ROUNDING_SHARE * square);
}

function reasonsOf(
  pair: ComparedPair,
  { a, b, means }: CrossCovariances,
): (name: ComparisonFigure) => string {
  const [d, e] = [pair.a.source.columns, pair.b.source.columns];
  const [dtypeA, dtypeB] = [pair.a.source.dtype, pair.b.source.dtype];
  const hasVariance = !isConstant(a, means.a) && !isConstant(b, means.b);
  return (name) => {
    if (d !== e && !['linearCka', 'causalCka', 'procrustes', 'neighbours'].includes(name))
      return `the hidden sizes are ${d} and ${e}: rows of one cannot be taken from rows of the other`;
    if (name === 'coherence') return 'no row has moved';
    if (name === 'steps') return `the rows are stored as ${dtypeA} and ${dtypeB}, not both as bfloat16`;
    if (name === 'subspaces') return 'there is one direction, and no part of it to be compared';
    if (!hasVariance)
      return `the ${pair.count} shared rows of ${isConstant(a, means.a) ? 'A' : 'B'} are all one`;
    return 'rounding leaves nothing of it';
  };
}

/** Figures of all displacements. */
export function displacementFigures({
  part,
  sums,
}: Displacements): NonNullable<ComparisonFigures['displacement']> {
  const squares = part.norm.map((norm) => norm * norm);
  const all = squares.reduce((sum, square) => sum + square, 0);
  const common = sums.sum.reduce((sum, value) => sum + value * value, 0) / part.norm.length;
  let along = 0;
  for (const [i, share] of part.meanShare.entries()) if (squares[i]! > 0) along += share * squares[i]!;
  return {
    norm: momentsOf(part.norm),
    causalNorm: momentsOf(part.causalNorm),
    meanSquare: meanOf(squares),
    causalMeanSquare: meanOf(part.causalNorm.map((norm) => norm * norm)),
    moved: part.norm.filter((norm) => norm > 0).length,
    meanShare: all > 0 && Number.isFinite(along) ? along / all : null,
    commonShare: all > 0 ? common / all : null,
  };
}

/** How far displacements point the same way; null where nothing has moved. */
export function coherenceOf({ part, sums }: Displacements): ComparisonFigures['coherence'] {
  const moved = part.norm.filter((norm) => norm > 0).length;
  if (moved === 0) return null;
  const square = sums.units.reduce((sum, value) => sum + value * value, 0);
  return {
    length: Math.sqrt(square) / moved,
    meanCosine: moved === 1 ? null : (square - moved) / (moved * (moved - 1)),
  };
}

/** Steps of bfloat16; null where rows are not both stored as such. */
export function stepFigures({ part: { steps, mostSteps } }: Displacements): ComparisonFigures['steps'] {
  if (steps[0]! < 0) return null;
  const frozen = mostSteps.filter((most) => most === 0).length;
  const neighbour = mostSteps.filter((most) => most === 1).length;
  return {
    ...{ frozen, neighbour, further: steps.length - frozen - neighbour, mean: meanOf(steps) },
    most: mostSteps.reduce((most, value) => Math.max(most, value), 0),
  };
}

function flowFigures(spectra: ComparedSpectra): ComparisonFigures['flow'] {
  const known = eigenvalueFlow(spectra)
    .filter((flow) => !Number.isNaN(flow))
    .sort();
  const directions = known.length;
  if (directions === 0) return null;
  const median = (known[Math.floor((directions - 1) / 2)]! + known[Math.floor(directions / 2)]!) / 2;
  return { minimum: known[0]!, median, maximum: known[directions - 1]!, directions };
}

type Similarities = Pick<ComparisonFigures, 'linearCka' | 'causalCka' | 'procrustes'>;

/** @param isSame whether the rows are the same ones: then there is nothing for rounding to blur */
async function similaritiesOf(
  { backend, count }: ComparedPair,
  { a, b, x, shuffled, means }: CrossCovariances,
  isSame: boolean,
): Promise<Similarities> {
  if (isConstant(a, means.a) || isConstant(b, means.b))
    return { linearCka: null, causalCka: null, procrustes: null };
  const traces = { a: traceOf(a), b: traceOf(b) };
  const [one, other]: [Whitening, Whitening] = [await whiteningOf(a, backend), await whiteningOf(b, backend)];
  return {
    linearCka: {
      value: linearCka(x, a, b),
      shuffled: linearCka(shuffled, a, b),
      expected: expectedLinearCka(a, b, count),
    },
    causalCka: {
      value: isSame ? 1 : await causalCka(x, one, other, backend),
      shuffled: await causalCka(shuffled, one, other, backend),
      expected: Math.sqrt(one.rank * other.rank) / (count - 1),
      ranks: { a: one.rank, b: other.rank },
    },
    procrustes: isSame
      ? { residual: 0, scale: 1, rotationTrace: 1 }
      : procrustes(await singularValues(x, backend), traces),
  };
}

/** Mean of the linear CKA over all orders of the rows of B: that of ||X||^2 is tr C_A tr C_B / (n - 1). */
export function expectedLinearCka(a: Matrix<Float64Array>, b: Matrix<Float64Array>, count: number): number {
  const [ofA, ofB] = [a, b].map((c) => traceOf(c) / Math.sqrt(squaredNorm(c))) as [number, number];
  return (ofA * ofB) / (count - 1);
}
