/** A model of the hub, as a user names it. */
export interface HubReference {
  /** 'owner/name' */
  repository: string;
  /** Branch, tag, other reference or commit; null where none was given. */
  revision: string | null;
}

/**
 * Reads 'owner/name' or 'owner/name@revision' by the hub's own rules for names.
 *
 * @returns null for anything else, most paths among it
 */
export function parseHubReference(text: string): HubReference | null {
  const [, repository, revision = null] = /^([^/@]+\/[^/@]+)(?:@(.+))?$/s.exec(text) ?? [];
  if (repository === undefined || !repository.split('/').every(isName)) return null;
  return revision === null || isRevision(revision) ? { repository, revision } : null;
}

/** The revision where a reference names none. */
export const DEFAULT_REVISION = 'main';

/** Says whether a revision is a commit itself, and so can never mean other bytes. */
export function isCommit(revision: string): boolean {
  return /^[0-9a-f]{40}$/.test(revision);
}

/** Letters, digits, '-', '_' and '.', up to 96; neither '--' nor '..', and neither '-' nor '.' at the ends. */
function isName(name: string): boolean {
  return /^(?![-.])(?!.*[-.]$)(?!.*(?:--|\.\.))[\w.-]{1,96}$/.test(name);
}

/** Checks names as git does those of references: no space, no control character, none of its own signs, and no way out of a folder. */
function isRevision(revision: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
  return /^(?![-/.])(?!.*(?:\.\.|\/\/|@\{))[^\u0000-\u0020\u007f~^:?*[\\]{1,200}(?<![/.])$/.test(revision);
}
