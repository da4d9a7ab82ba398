import { mkdirSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import test from 'ava';
import { InputError } from '../../src/errors.js';
import { DEFAULT_CACHE_BYTES, hubSettings } from '../../src/hub/settings.js';
import { scratchDirectory } from '../helpers/fixtures.js';

test('without variables the settings are those of the official clients', (t) => {
  const settings = hubSettings({ HF_TOKEN_PATH: join(scratchDirectory(t), 'none') });
  t.like(settings, {
    endpoint: 'https://huggingface.co',
    token: null,
    offline: false,
    hubCache: join(homedir(), '.cache/huggingface/hub'),
    cache: join(homedir(), '.cache/eigenshard/hub'),
    cacheBytes: DEFAULT_CACHE_BYTES,
  });
});

test('every variable is read', (t) => {
  const home = scratchDirectory(t);
  const xdg = hubSettings({ XDG_CACHE_HOME: home });
  t.is(xdg.hubCache, join(home, 'huggingface/hub'));
  t.is(xdg.cache, join(home, 'eigenshard/hub'));
  const settings = hubSettings({
    HF_ENDPOINT: 'http://127.0.0.1:8080/mirror/',
    HF_HOME: home,
    HF_TOKEN: ' hf_abc\n',
    HF_HUB_OFFLINE: 'True',
    EIGENSHARD_CACHE: '~/shards',
    EIGENSHARD_CACHE_SIZE: '1.5 GB',
  });
  t.like(settings, {
    endpoint: 'http://127.0.0.1:8080/mirror',
    offline: true,
    hubCache: join(home, 'hub'),
    cache: join(homedir(), 'shards'),
    cacheBytes: 1.5e9,
  });
  t.is(settings.token?.authorization(), 'Bearer hf_abc');
  t.is(
    hubSettings({ HF_HOME: home, HF_HUB_CACHE: join(home, 'elsewhere') }).hubCache,
    join(home, 'elsewhere'),
  );
});

test('the token is also read from where the official client puts it, and never shown', (t) => {
  const home = scratchDirectory(t);
  mkdirSync(join(home, 'other'));
  writeFileSync(join(home, 'token'), 'hf_from_file\n');
  writeFileSync(join(home, 'other', 'token'), '\n');
  const settings = hubSettings({ HF_HOME: home });
  t.is(settings.token?.authorization(), 'Bearer hf_from_file');
  for (const text of [JSON.stringify(settings), inspect(settings, { depth: 9 }), `${settings.token}`]) {
    t.false(text.includes('from_file'), text);
  }
  t.is(hubSettings({ HF_HOME: join(home, 'other') }).token, null);
});

test('values that cannot be meant are refused by name, and a secret in them is not repeated', (t) => {
  const refused = (environment: Record<string, string>, message: RegExp) => {
    const error = t.throws(() => hubSettings(environment), { instanceOf: InputError, message });
    t.false(error.message.includes('secret'));
  };
  refused({ HF_ENDPOINT: 'huggingface.co' }, /^HF_ENDPOINT: expected an address/);
  refused({ HF_ENDPOINT: 'ftp://huggingface.co' }, /^HF_ENDPOINT/);
  refused({ HF_ENDPOINT: 'https://me:secret@host' }, /^HF_ENDPOINT/);
  refused({ HF_TOKEN: 'hf_secret\nX-Header: 1' }, /^HF_TOKEN: expected one access token/);
  refused(
    { EIGENSHARD_CACHE_SIZE: 'much' },
    /^EIGENSHARD_CACHE_SIZE: is "much", expected a size such as 20GB/,
  );
});
