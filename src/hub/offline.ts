import { InputError } from '../errors.js';
import type { HubSettings } from './settings.js';

/** @throws InputError where the settings forbid to ask the network for `what` */
export function refuseOffline({ offline }: Pick<HubSettings, 'offline'>, what: string): void {
  if (offline) throw notInCache(what);
}

export function notInCache(what: string): InputError {
  return new InputError(
    `${what}: is not in the cache, and HF_HUB_OFFLINE forbids to download it; run once with the network, without ` +
      'HF_HUB_OFFLINE',
  );
}
