import test from 'ava';
import { InputError } from '../../src/errors.js';
import type { HubSettings } from '../../src/hub/settings.js';
import { Token } from '../../src/hub/token.js';
import { obtain, shardedHub } from '../helpers/hub-models.js';

test('what the hub refuses is one message with what to do', async (t) => {
  const { server } = await shardedHub(t);
  const settings = server.settings(t);
  const refused = async (reference: string, message: RegExp, changes: Partial<HubSettings> = {}) => {
    const error = await t.throwsAsync(obtain({ ...settings, ...changes }, reference), {
      instanceOf: InputError,
      message,
    });
    t.false(error.message.includes('\n'));
  };
  await refused('some/other', /there is no model some\/other at http:.*nor a file or directory.*\(404\)/);
  await refused('some/model@v9', /some\/model has no revision v9; its branches and tags are at/);
  await refused('some/model@v9', /is not in the cache, and HF_HUB_OFFLINE/, { offline: true });
  server.token = 'hf_right';
  await refused(
    'some/model',
    /this model is gated.*accept its conditions at .* then give an access token as HF_TOKEN/,
  );
  await refused('some/model', /this model is gated.*with the account of the token/, {
    token: new Token('hf_wrong'),
  });
  for (const status of [401, 403]) {
    server.fault = () => ({ status });
    const access = new RegExp(
      `refuses access \\(${status}\\)\\. If it is private or gated, give an access token as HF_TOKEN$`,
    );
    await refused('some/model', access);
    await refused('some/model', /Check that the token \(HF_TOKEN\) is valid/, {
      token: new Token('hf_wrong'),
    });
  }
  server.fault = () => null;
  server.token = null;
  server.files.delete('model.safetensors.index.json');
  await refused('some/model', /has neither model.safetensors nor model.safetensors.index.json/);
});
