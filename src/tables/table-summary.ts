import { type Moments, meanOf, momentsOf } from '../linalg/moments.js';
import type { MergedTables } from './merged-tables.js';
import { type SpectralSummary, type SpectrumSource, spectralSummary } from './spectrum.js';
import { distortions, type RowFacts } from './token-table.js';
import type { Vocabulary } from './vocabulary.js';

/** Figures that sum up the tables of a run. */
export interface TableSummary {
  spectrum: SpectralSummary;
  norms: { euclidean: Moments; causal: Moments; centred: Moments; centredCausal: Moments };
  /** Mean of causal norm / norm; null where every row is zero. */
  distortionMean: number | null;
  counts: {
    rows: number;
    /** Rows that the tokenizer has a token for; null without one. */
    tokens: number | null;
    /** Rows that the tokenizer has no token for; null without one. */
    orphans: number | null;
    /** Special tokens; null without a tokenizer. */
    specials: number | null;
    duplicateGroups: number;
    duplicateRows: number;
    zeroRows: number;
  };
  /** Of the bias of the tokens' logits; null where there is none. */
  logitBias: Moments | null;
}

/** Sums up the tables of a run. */
export function tableSummary(
  { rows, zeroRows, tokens }: MergedTables,
  { isOrphan, isSpecial }: Vocabulary,
  { duplicates, logitBias }: RowFacts,
  spectrum: SpectrumSource,
): TableSummary {
  const hasTokenizer = isOrphan[0] !== null;
  const count = (flags: readonly (boolean | null)[]) =>
    hasTokenizer ? flags.reduce((sum, flag) => sum + (flag ? 1 : 0), 0) : null;
  const orphans = count(isOrphan);
  const grouped = duplicates.filter((group) => group >= 0);
  const defined = distortions(tokens).filter((distortion) => !Number.isNaN(distortion));
  return {
    spectrum: spectralSummary(spectrum),
    norms: {
      euclidean: momentsOf(tokens.norm),
      causal: momentsOf(tokens.causalNorm),
      centred: momentsOf(tokens.centredNorm),
      centredCausal: momentsOf(tokens.causalCentredNorm),
    },
    distortionMean: defined.length === 0 ? null : meanOf(defined),
    counts: {
      rows,
      tokens: orphans === null ? null : rows - orphans,
      orphans,
      specials: count(isSpecial),
      duplicateGroups: new Set(grouped).size,
      duplicateRows: grouped.length,
      zeroRows,
    },
    logitBias: logitBias === null ? null : momentsOf(logitBias),
  };
}
