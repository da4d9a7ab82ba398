import { type EigenshardError, InputError, RunError } from '../errors.js';
import type { HubSettings } from './settings.js';

/** What was asked for, for messages. */
export interface Asked {
  repository: string;
  revision: string;
  /** A file of it, where it is about one. */
  file?: string;
}

/**
 * What a status that is no success and will not pass means, and what to do.
 *
 * The hub answers 401 to whoever has no token and asks for what does not exist, so as not to tell what is private.
 * @param headers of the endpoint's own answer: X-Error-Code says more than the status
 */
export function refusal(
  status: number,
  headers: Headers,
  { repository, revision, file }: Asked,
  { endpoint, token }: Pick<HubSettings, 'endpoint' | 'token'>,
): EigenshardError {
  const where = `${repository}@${revision}${file === undefined ? '' : `/${file}`}`;
  const page = `${endpoint}/${repository}`;
  const code = headers.get('x-error-code');
  const missing =
    `${where}: there is no model ${repository} at ${endpoint}, nor a file or directory of that name here; check the ` +
    'spelling of owner/name';
  if (code === 'GatedRepo' || (status === 403 && token !== null)) {
    const next =
      token === null
        ? `accept its conditions at ${page}, then give an access token as HF_TOKEN`
        : `accept its conditions at ${page} with the account of the token, and give the token the right to read it`;
    return new InputError(`${where}: this model is gated, and access was refused (${status}); ${next}`);
  }
  if (code === 'RevisionNotFound') {
    return new InputError(
      `${where}: ${repository} has no revision ${revision}; its branches and tags are at ${page}/tree/main`,
    );
  }
  if (code === 'EntryNotFound') {
    return new InputError(`${where}: there is no such file in that revision; see ${page}/tree/main`);
  }
  if (status === 401 || status === 403) {
    const next =
      token === null
        ? '. If it is private or gated, give an access token as HF_TOKEN'
        : ', and that the token (HF_TOKEN) is valid and may read it';
    return new InputError(`${missing}${next} (${status})`);
  }
  if (status === 404) return new InputError(`${missing} (404)`);
  return new RunError(`${where}: ${endpoint} answers ${status}, which was not expected; check HF_ENDPOINT`);
}
