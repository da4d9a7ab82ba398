/** Lists the ways in which a vocabulary's rows are weighed. */
export const weightingKinds = ['uniform', 'unique', 'tokenizer', 'counts', 'bias', 'softmax'] as const;

/** One of weightingKinds. */
export type WeightingKind = (typeof weightingKinds)[number];

/** A way in which rows are weighed unequally, as a user asks for it. */
export type Weighting =
  | { kind: 'unique' | 'tokenizer' | 'bias'; path: null }
  /** A file of counts, or of one hidden state. */
  | { kind: 'counts' | 'softmax'; path: string };

/** How a weighting is written, for messages. */
export const WEIGHTING_FORMS = 'uniform, unique, tokenizer, counts=FILE, bias or softmax=FILE';

/**
 * Reads a weighting as a user writes it.
 *
 * @returns null for uniform weights, undefined for what is none
 */
export function parseWeighting(text: string): Weighting | null | undefined {
  const at = text.indexOf('=');
  const kind = at < 0 ? text : text.slice(0, at);
  const path = at < 0 ? null : text.slice(at + 1);
  switch (kind) {
    case 'uniform':
      return path === null ? null : undefined;
    case 'unique':
    case 'tokenizer':
    case 'bias':
      return path === null ? { kind, path } : undefined;
    case 'counts':
    case 'softmax':
      return path === null || path === '' ? undefined : { kind, path };
    default:
      return undefined;
  }
}

/** Writes a weighting as a user does. */
export function weightingText({ kind, path }: Weighting): string {
  return path === null ? kind : `${kind}=${path}`;
}
