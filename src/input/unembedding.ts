import { embeddingNames, tensorRules, unembeddingNames } from './tensor-names.js';

/** Which tensor is taken for the unembedding matrix, and why. */
export interface Choice {
  name: string;
  /** For a user: the rule that chose it. */
  reason: string;
}

/** The reason where the user has chosen. */
export const NAMED_BY_USER = 'named by --tensor';

/**
 * Chooses the unembedding matrix by the names that are there.
 *
 * @param tied `tie_word_embeddings` of config.json, null where it is silent
 * @returns null where no known name is there, or only that of embeddings that config.json calls untied
 */
export function chooseUnembedding(names: ReadonlySet<string>, tied: boolean | null): Choice | null {
  const candidates = tied === false ? unembeddingNames : [...unembeddingNames, ...embeddingNames];
  const name = candidates.find((candidate) => names.has(candidate));
  if (name === undefined) return null;
  const rule = tensorRules.findIndex((known) => known.name === name);
  const { kind, families } = tensorRules[rule]!;
  const what =
    kind === 'unembedding'
      ? 'an unembedding matrix'
      : `an embedding matrix; tie_word_embeddings is ${tied === null ? 'not set, and no unembedding is there' : 'true'}`;
  return { name, reason: `rule ${rule + 1} of ${tensorRules.length}: ${what} (${families})` };
}

/** The known names that are there, in the order of the rules. */
export function knownNames(names: ReadonlySet<string>): string[] {
  return tensorRules.map(({ name }) => name).filter((name) => names.has(name));
}
