import { existsSync } from 'node:fs';
import path from 'node:path';
import { parseHubReference } from '../hub/reference.js';
import type { Config } from './config.js';

/** Where a run goes when the configuration does not say: a folder named after the model. */
export function outputPath({ out, model, synthetic }: Config): string {
  if (out !== undefined) return out;
  if (synthetic !== undefined) return folderOfPath(synthetic.directory);
  const reference = existsSync(model) ? null : parseHubReference(model);
  if (reference === null) return folderOfPath(model);
  const revision = reference.revision === null ? '' : `@${reference.revision.replaceAll('/', '-')}`;
  return path.join('runs', `${path.basename(reference.repository)}${revision}`);
}

function folderOfPath(model: string): string {
  return path.join('runs', path.parse(path.resolve(model)).name);
}
