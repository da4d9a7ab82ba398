/**
 * Lists what a model may divide the stored head by before it uses it: the norm of each row (one a token), or the norm of
 * each column (one a hidden dimension).
 */
export const normalisations = ['rows', 'columns'] as const;

/** One of normalisations. */
export type Normalisation = (typeof normalisations)[number];

/** The vocabulary of Baichuan 1, whose head is used as it is stored; its successors share the model type. */
const BAICHUAN_1_VOCABULARY = 64_000;

/**
 * Says whether a model has a NormHead: Baichuan 2 and its successors always, by rows; Ling and other Bailing models
 * where `norm_head` is true, by columns.
 *
 * @param saysNormHead `norm_head` of the configuration
 */
export function normalisationOf(
  { modelType, vocabSize }: { modelType: string | null; vocabSize: number | null },
  saysNormHead: boolean,
): Normalisation | null {
  if (saysNormHead) return 'columns';
  return modelType?.startsWith('baichuan') && vocabSize !== BAICHUAN_1_VOCABULARY ? 'rows' : null;
}
