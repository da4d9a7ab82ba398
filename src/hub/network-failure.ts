import { PassingError, RunError } from '../errors.js';
import { PassingFailure } from './retry.js';

/**
 * Judges a failed request: a PassingFailure where the same request may succeed later, else a RunError.
 *
 * @param error of fetch, or of reading a response's body
 * @param known.reached whether the host has answered before: then even a network that is gone may come back
 * @param known.proxyHint what to say of a proxy, null where there is none
 */
export function networkFailure(
  error: unknown,
  url: URL,
  { reached, proxyHint }: { reached: boolean; proxyHint: string | null },
): Error {
  const { code, message } = rootCause(error);
  const proxy = proxyHint === null || reached ? '' : `; ${proxyHint}`;
  const said = code === null ? message : `${message} (${code})`;
  const fails = (what: string) => new RunError(`${url.origin}: ${what}`, { cause: error });
  const unreachable = code === null ? undefined : unreachableCodes[code];
  if (unreachable !== undefined && !reached) {
    return new PassingError(
      `${url.origin}: ${unreachable} (${code}); check the network and HF_ENDPOINT, or work with what is here already: ` +
        `HF_HUB_OFFLINE=1${proxy}`,
      { cause: error },
    );
  }
  if (code !== null && certificateCodes.test(code)) {
    return fails(
      `its certificate is not accepted: ${said}; if a proxy of your own signs it, name its certificate in ` +
        'NODE_EXTRA_CA_CERTS',
    );
  }
  if (code !== null && foreignCodes.test(code) && !reached) {
    return fails(`what answers there is no ${url.protocol.slice(0, -1)} server: ${said}; check HF_ENDPOINT`);
  }
  // Without a code it is fetch itself that refuses, as a port on which browsers would ask for no page.
  const isInvalid = code !== null && invalidCodes.test(code);
  if ((code === null && !reached) || isInvalid || proxyRefuses.test(message)) {
    return fails(`cannot be asked: ${said}; check HF_ENDPOINT${proxy}`);
  }
  return new PassingFailure(
    `${url.host}: ${unreachable === undefined ? said : `${unreachable} (${code})`}${proxy}`,
    {
      cause: error,
    },
  );
}

const unreachableCodes: Readonly<Record<string, string>> = {
  ENOTFOUND: 'there is no such host, or no network',
  EAI_AGAIN: 'its name cannot be looked up now, or there is no network',
  ECONNREFUSED: 'nothing answers there',
  ENETUNREACH: 'there is no way there: no network',
  EHOSTUNREACH: 'there is no way there: no network',
};

/** Node.js passes on the names of OpenSSL's verification errors, and has ERR_TLS_CERT_ALTNAME_INVALID of its own. */
const certificateCodes =
  /CERT|CRL|SIGNATURE|ISSUER|SELF_SIGNED|INVALID_CA|INVALID_PURPOSE|PATH_LENGTH|HOSTNAME_MISMATCH|ERR_TLS/;

/** TLS that is none, and HTTP that is none. */
const foreignCodes = /^(ERR_SSL_|EPROTO$|HPE_)/;

const invalidCodes = /^(ERR_INVALID_|UND_ERR_INVALID_ARG|UND_ERR_NOT_SUPPORTED)/;

/** undici's words for a proxy that answers CONNECT with 403, 407 and the like. */
const proxyRefuses = /^Proxy response \(4\d\d\)/;

/** fetch wraps what the system says, sometimes twice, and the addresses of one host as one error. */
function rootCause(error: unknown): { code: string | null; message: string } {
  let found = error;
  for (;;) {
    if (found instanceof AggregateError && found.errors.length > 0) found = found.errors[0];
    else if (found instanceof Error && found.cause instanceof Error) found = found.cause;
    else break;
  }
  const message = (found instanceof Error ? found.message : String(found)).trim();
  const code =
    found instanceof Error && 'code' in found && typeof found.code === 'string' ? found.code : null;
  return { code, message };
}
