import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { RunError } from '../../src/errors.js';
import { Token } from '../../src/hub/token.js';
import { start } from '../helpers/cli.js';
import { scratchDirectory } from '../helpers/fixtures.js';
import { obtain, shardedHub } from '../helpers/hub-models.js';
import { HubServer } from '../helpers/hub-server.js';

test('the token goes to the endpoint alone, and is neither printed nor stored', async (t) => {
  const { server } = await shardedHub(t);
  server.token = 'hf_very_secret';
  const settings = { ...server.settings(t), token: new Token('hf_very_secret') };
  const notes: string[] = [];
  await obtain(settings, 'some/model', notes);
  for (const { origin, authorization } of server.seen) {
    t.is(authorization, origin === 'hub' ? 'Bearer hf_very_secret' : null);
  }
  t.true(server.seen.some(({ origin }) => origin === 'cdn'));

  const home = scratchDirectory(t);
  const out = join(home, 'out');
  const environment = { ...server.environment(home), HF_TOKEN: 'hf_very_secret' };
  const run = await start(['--model', 'some/model', '--out', out, '--json'], environment).ended;
  t.is(run.code, 0, run.stderr);
  const refused = { ...environment, HF_TOKEN: 'hf_wrong_secret' };
  const failed = await start(['--model', 'some/other', '--out', join(home, 'other')], refused).ended;
  t.is(failed.code, 2);
  const stored = readdirSync(home, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1'));
  t.true(stored.length > 5);
  for (const text of [
    ...stored,
    run.stdout,
    run.stderr,
    failed.stdout,
    failed.stderr,
    JSON.stringify(settings),
    ...notes,
  ]) {
    t.false(/very_secret|wrong_secret/.test(text));
  }
});

test('no network is one message with what to do', async (t) => {
  const { server } = await shardedHub(t);
  const settings = server.settings(t);
  // A port on which nobody listens: this server's own, closed again.
  const closed = await HubServer.start(t, scratchDirectory(t));
  closed.stop();
  const refused = (endpoint: string, message: RegExp) =>
    t.throwsAsync(obtain({ ...settings, endpoint }), { instanceOf: RunError, message });
  await refused(closed.endpoint, /nothing answers there \(ECONNREFUSED\); check the network and HF_ENDPOINT/);
  await refused('http://hub.invalid', /\((ENOTFOUND|EAI_AGAIN)\); check the network .* HF_HUB_OFFLINE=1$/);
  const hub = { ...settings, endpoint: closed.endpoint, proxyHint: 'HTTP_PROXY names a proxy' };
  await t.throwsAsync(obtain(hub), { message: /HF_HUB_OFFLINE=1; HTTP_PROXY names a proxy$/ });
});

test('what cannot pass is asked for once', async (t) => {
  const { server } = await shardedHub(t);
  const notes: string[] = [];
  // Waits that a test could not sit out.
  const retry = { attempts: 6, firstSeconds: 1000, longestSeconds: 1000 };
  const settings = { ...server.settings(t), retry };
  const refused = (endpoint: string, message: RegExp) =>
    t.throwsAsync(obtain({ ...settings, endpoint }, 'some/model', notes), { instanceOf: RunError, message });
  await refused(server.endpoint.replace('http:', 'https:'), /no https server: .*check HF_ENDPOINT/s);
  await refused('http://127.0.0.1:6000', /cannot be asked: bad port; check HF_ENDPOINT/);
  // Another host that the hub redirects to, and that has not answered before.
  const closed = await HubServer.start(t, scratchDirectory(t));
  closed.stop();
  server.fault = ({ path }) =>
    path.endsWith('/config.json')
      ? { status: 302, headers: { location: `${closed.endpoint}/config.json` } }
      : null;
  await refused(server.endpoint, /nothing answers there \(ECONNREFUSED\)/);
  t.deepEqual(notes, []);
});

test('a repository that was renamed is found under its old name', async (t) => {
  const { server, matrix } = await shardedHub(t);
  server.fault = ({ path }) =>
    path.includes('old/name')
      ? { status: 307, headers: { location: path.replace('old/name', 'some/model') } }
      : null;
  const { checkpoint } = await obtain(server.settings(t), 'old/name');
  t.true(readFileSync(checkpoint.source.file).equals(matrix));
});

test('what is no hub is refused: a page in the place of an answer, redirects without end or to a file', async (t) => {
  const { server } = await shardedHub(t);
  const refused = (message: RegExp) =>
    t.throwsAsync(obtain(server.settings(t)), { instanceOf: RunError, message });
  server.fault = () => ({ page: '<html>log in</html>' });
  await refused(/does not tell what was asked; is HF_ENDPOINT a hub, or a mirror of one/);
  server.fault = () => ({ page: '{"sha": "../../x"}', headers: { 'x-repo-commit': '../../x' } });
  await refused(/does not tell a commit/);
  server.fault = ({ path }) => ({ status: 302, headers: { location: path } });
  await refused(/redirects more than 10 times/);
  server.fault = () => ({ status: 302, headers: { location: 'file:///etc/passwd' } });
  await refused(/redirects to an address that is not/);
});
