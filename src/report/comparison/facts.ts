import type { ComparisonFigures, ComparisonResults } from '../../output/comparison-folder.js';
import { count, counted, fixed } from '../../text/figures.js';

/** Figures of a comparison for a person: what each is, and its value. Those that are not known are left out. */
export function comparisonFacts({ figures }: Pick<ComparisonResults, 'figures'>): [string, string][] {
  return [
    ...displacementFacts(figures),
    ...similarityFacts(figures),
    ...spectrumFacts(figures),
    ...neighbourFacts(figures),
  ];
}

function displacementFacts({ displacement, coherence, steps }: ComparisonFigures): [string, string][] {
  const facts: [string, string][] = [];
  if (displacement !== null) {
    const { norm, causalNorm, moved, meanShare, commonShare } = displacement;
    facts.push(
      ['Tokens that moved', count(moved)],
      ['Displacement, mean and largest', `${fixed(norm.mean)}, ${fixed(norm.maximum)}`],
      ['Causal displacement, mean and largest', `${fixed(causalNorm.mean)}, ${fixed(causalNorm.maximum)}`],
    );
    if (meanShare !== null) facts.push(['Share along the mean row', percent(meanShare)]);
    if (commonShare !== null) facts.push(['Share that all have in common', percent(commonShare)]);
  }
  if (coherence !== null) {
    facts.push(['Coherence R', fixed(coherence.length)]);
    if (coherence.meanCosine !== null)
      facts.push(['Mean cosine of two displacements', fixed(coherence.meanCosine)]);
  }
  if (steps !== null)
    facts.push(
      [
        'bfloat16: frozen, one step at most, further',
        [steps.frozen, steps.neighbour, steps.further].map(count).join(', '),
      ],
      ['bfloat16 steps of a token, mean', fixed(steps.mean)],
    );
  return facts;
}

function similarityFacts({ linearCka, causalCka, procrustes }: ComparisonFigures): [string, string][] {
  const cka = (name: string, found: ComparisonFigures['linearCka']): [string, string][] =>
    found === null
      ? []
      : [
          [
            name,
            `${fixed(found.value)} (shuffled ${fixed(found.shuffled)}, expected ${fixed(found.expected)})`,
          ],
        ];
  return [
    ...cka('Linear CKA', linearCka),
    ...cka('Causal CKA', causalCka),
    ...(procrustes === null
      ? []
      : ([
          ['Procrustes residual', fixed(procrustes.residual)],
          ['Procrustes scale', fixed(procrustes.scale)],
        ] satisfies [string, string][])),
  ];
}

function spectrumFacts({ flow, subspaces }: ComparisonFigures): [string, string][] {
  const facts: [string, string][] = [];
  if (flow !== null)
    facts.push([
      'Variance of B over that of A, least, median, greatest',
      [flow.minimum, flow.median, flow.maximum].map(fixed).join(', '),
    ]);
  for (const { kind, count: size, meanSquaredCosine, largestAngle } of subspaces ?? [])
    if (kind !== 'cluster' && size === 16)
      facts.push([
        `Subspace of the ${kind} 16 directions`,
        `cos² ${fixed(meanSquaredCosine)} on average, largest angle ${fixed(largestAngle)}°`,
      ]);
  return facts;
}

function neighbourFacts({ neighbours }: ComparisonFigures): [string, string][] {
  if (neighbours === null) return [];
  const { kept, chance, sample, k } = neighbours;
  return [
    [`Nearest ${k} kept`, `${percent(kept)} over ${counted(sample, 'token')} (by chance ${percent(chance)})`],
  ];
}

function percent(share: number): string {
  return `${fixed(share * 100)} %`;
}

/** Names of the figures for a person, where one of them is not known. */
export const figureNames: Readonly<Record<keyof ComparisonFigures, string>> = {
  displacement: 'Displacements',
  coherence: 'Coherence',
  steps: 'bfloat16 steps',
  linearCka: 'Linear CKA',
  causalCka: 'Causal CKA',
  procrustes: 'Procrustes',
  flow: 'Eigenvalue flow',
  subspaces: 'Subspaces',
  neighbours: 'Neighbours kept',
};
