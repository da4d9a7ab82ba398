import { RunError } from '../errors.js';
import { PassingFailure } from './retry.js';

/**
 * What a failed request means.
 *
 * @param error of fetch, or of reading a response's body
 * @param reached whether the hub has answered before: then even a network that is gone may come back
 */
export function networkFailure(error: unknown, url: URL, reached: boolean): Error {
  const { code, message } = rootCause(error);
  const unreachable = code === null ? undefined : unreachableCodes[code];
  if (unreachable !== undefined && !reached) {
    return new RunError(
      `${url.origin}: ${unreachable} (${code}); check the network and HF_ENDPOINT, or work with what is here ` +
        'already: HF_HUB_OFFLINE=1',
      { cause: error },
    );
  }
  if (code !== null && /CERT|SIGNATURE|ERR_TLS/.test(code)) {
    return new RunError(
      `${url.origin}: its certificate is not accepted: ${message} (${code}); if a proxy of your own signs it, ` +
        'name its certificate in NODE_EXTRA_CA_CERTS',
      { cause: error },
    );
  }
  return new PassingFailure(`${url.host}: ${unreachable ?? message}${code === null ? '' : ` (${code})`}`, {
    cause: error,
  });
}

const unreachableCodes: Readonly<Record<string, string>> = {
  ENOTFOUND: 'there is no such host, or no network',
  EAI_AGAIN: 'its name cannot be looked up now, or there is no network',
  ECONNREFUSED: 'nothing answers there',
  ENETUNREACH: 'there is no way there: no network',
  EHOSTUNREACH: 'there is no way there: no network',
};

/** fetch wraps what the system says, sometimes twice, and the addresses of one host as one error. */
function rootCause(error: unknown): { code: string | null; message: string } {
  let found = error;
  for (;;) {
    if (found instanceof AggregateError && found.errors.length > 0) found = found.errors[0];
    else if (found instanceof Error && found.cause instanceof Error) found = found.cause;
    else break;
  }
  const message = found instanceof Error ? found.message : String(found);
  const code =
    found instanceof Error && 'code' in found && typeof found.code === 'string' ? found.code : null;
  return { code, message };
}
