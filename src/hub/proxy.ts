/** Properties of Node.js that decide whether it uses a proxy which the environment names. */
export interface NodeOptions {
  /** 'v22.21.0' */
  version: string;
  execArgv: readonly string[];
}

/**
 * Explains, for the message that a host cannot be reached, what became of a proxy; null where the environment names none.
 *
 * @param environment with HTTPS_PROXY or HTTP_PROXY, also in small letters, NO_PROXY and NODE_USE_ENV_PROXY
 * @param endpoint to be reached, an address
 */
export function proxyHint(
  environment: Readonly<Record<string, string | undefined>>,
  endpoint: string,
  { version, execArgv }: NodeOptions = process,
): string | null {
  const { protocol, hostname } = new URL(endpoint);
  const get = (name: string) => environment[name.toLowerCase()]?.trim() || environment[name]?.trim() || '';
  const names = protocol === 'https:' ? ['HTTPS_PROXY', 'HTTP_PROXY'] : ['HTTP_PROXY'];
  const name = names.find((known) => get(known) !== '');
  if (name === undefined || isExcepted(hostname, get('NO_PROXY'))) return null;
  if (!knowsProxies(version)) {
    return (
      `${name} names a proxy, which Node.js ${version.replace(/^v/, '')} does not use: take 22.21, 24 or newer, and set ` +
      'NODE_USE_ENV_PROXY=1'
    );
  }
  const asked = [...execArgv, ...get('NODE_OPTIONS').split(/\s+/)].includes('--use-env-proxy');
  return asked || get('NODE_USE_ENV_PROXY') === '1'
    ? `it is asked for through the proxy that ${name} names`
    : `${name} names a proxy, which Node.js uses with NODE_USE_ENV_PROXY=1 alone: set that too`;
}

/** fetch has used the environment's proxies since 24.0 and 22.21. */
function knowsProxies(version: string): boolean {
  const [major = 0, minor = 0] = version.replace(/^v/, '').split('.').map(Number);
  return major >= 24 || (major === 22 && minor >= 21);
}

/** NO_PROXY is a list of hosts and of the ends of their names; '*' is all of them. */
function isExcepted(host: string, list: string): boolean {
  return list
    .split(/[\s,]+/)
    .map((entry) => entry.replace(/:\d+$/, '').replace(/^\*?\./, ''))
    .some((entry) => entry === '*' || (entry !== '' && (host === entry || host.endsWith(`.${entry}`))));
}
