import { type EigenshardError, InputError, RunError } from '../errors.js';
import type { HubSettings } from './settings.js';

/** Names what was asked for, for messages. */
export interface Asked {
  repository: string;
  revision: string;
  /** Path of the file, where the question is about one. */
  file?: string;
}

/**
 * Says what a status that is no success and will not pass means, and what to do.
 *
 * The hub itself says what it means in X-Error-Code, and answers 401 to whoever has no token and asks for what does not
 * exist, so as not to tell what is private. A mirror mostly says nothing: that a model does not exist, its bare status
 * does not tell.
 *
 * @param headers of the endpoint's own answer
 */
export function refusal(
  status: number,
  headers: Headers,
  { repository, revision, file }: Asked,
  { endpoint, token }: Pick<HubSettings, 'endpoint' | 'token'>,
): EigenshardError {
  const where = `${repository}@${revision}${file === undefined ? '' : `/${file}`}`;
  const page = `${endpoint}/${repository}`;
  const giveToken =
    token === null
      ? 'If it is private or gated, give an access token as HF_TOKEN'
      : 'Check that the token (HF_TOKEN) is valid and may read it';
  switch (headers.get('x-error-code')) {
    case 'GatedRepo': {
      const next =
        token === null
          ? `accept its conditions at ${page}, then give an access token as HF_TOKEN`
          : `accept its conditions at ${page} with the account of the token, and give the token the right to read it`;
      return new InputError(`${where}: this model is gated, and access was refused (${status}); ${next}`);
    }
    case 'RepoNotFound':
      return new InputError(
        `${where}: there is no model ${repository} at ${endpoint}, nor a file or directory of that name here; check the ` +
          `spelling of owner/name (${status}). ${giveToken}`,
      );
    case 'RevisionNotFound':
      return new InputError(
        `${where}: ${repository} has no revision ${revision}; its branches and tags are at ${page}/tree/main`,
      );
    case 'EntryNotFound':
      return new InputError(`${where}: there is no such file in that revision; see ${page}/tree/main`);
  }
  if (status === 401 || status === 403) {
    return new InputError(`${where}: ${endpoint} refuses access (${status}). ${giveToken}`);
  }
  if (status === 404) {
    return new InputError(
      `${where}: ${endpoint} does not have it (404); check the spelling of owner/name, and where HF_ENDPOINT is a mirror, ` +
        'that it serves this model. There is no file or directory of that name here either',
    );
  }
  return new RunError(`${where}: ${endpoint} answers ${status}, which was not expected; check HF_ENDPOINT`);
}
