import test from 'ava';
import { proxyHint } from '../../src/hub/proxy.js';

const hub = 'https://huggingface.co';
const hint = (environment: Record<string, string>, version = 'v22.21.0', execArgv: string[] = []) =>
  proxyHint(environment, hub, { version, execArgv });

test('without a proxy for the endpoint there is nothing to say', (t) => {
  t.is(hint({}), null);
  t.is(hint({ HTTPS_PROXY: ' ' }), null);
  for (const exception of ['*', 'huggingface.co', '.co', 'x.org, huggingface.co:443', '*.co']) {
    t.is(hint({ HTTPS_PROXY: 'http://proxy:3128', NO_PROXY: exception }), null, exception);
  }
  t.is(
    proxyHint({ HTTPS_PROXY: 'http://proxy:3128' }, 'http://hub.local', { version: 'v24.0.0', execArgv: [] }),
    null,
  );
});

test('a version of Node.js that uses no proxy is told which ones do', (t) => {
  for (const version of ['v20.20.2', 'v22.20.0', 'v23.11.0']) {
    const said = hint({ HTTPS_PROXY: 'http://me:secret@proxy:3128', NODE_USE_ENV_PROXY: '1' }, version);
    t.is(
      said,
      `HTTPS_PROXY names a proxy, which Node.js ${version.slice(1)} does not use: take 22.21, 24 or newer, and set ` +
        'NODE_USE_ENV_PROXY=1',
    );
  }
});

test('where Node.js must be asked to use the proxy, that is said, and also that it was', (t) => {
  for (const version of ['v22.21.0', 'v22.22.1', 'v24.0.0', 'v25.1.0']) {
    t.is(
      hint({ https_proxy: 'http://proxy:3128', NO_PROXY: 'face.co' }, version),
      'HTTPS_PROXY names a proxy, which Node.js uses with NODE_USE_ENV_PROXY=1 alone: set that too',
    );
    const used = 'it is asked for through the proxy that HTTPS_PROXY names';
    const proxy = { HTTPS_PROXY: 'http://proxy:3128' };
    t.is(hint({ ...proxy, NODE_USE_ENV_PROXY: '1' }, version), used);
    t.is(hint(proxy, version, ['--use-env-proxy']), used);
    t.is(hint({ ...proxy, NODE_OPTIONS: '--max-old-space-size=4000 --use-env-proxy' }, version), used);
  }
  t.regex(hint({ HTTP_PROXY: 'http://proxy:3128' })!, /^HTTP_PROXY names a proxy/);
});
