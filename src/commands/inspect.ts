import { existsSync, statSync } from 'node:fs';
import path from 'node:path';
import type { Command } from 'commander';
import { InputError } from '../errors.js';
import { parseHubReference } from '../hub/reference.js';
import { hubSettings } from '../hub/settings.js';
import { inspectHubModel, inspectModel } from '../input/inspect-model.js';
import { configNames, noCheckpoint } from '../input/model-config.js';
import { MANIFEST_NAME, readManifest } from '../output/manifest.js';
import { print } from './print.js';
import { hubModelText, inspectionText, modelText } from './run-text.js';

/** Adds `inspect`, of a run or of a checkpoint. */
export function addInspectCommand(program: Command): void {
  program
    .command('inspect')
    .description('show what a finished run holds, or what a run would take of a checkpoint')
    .argument(
      '<path>',
      'output directory of a run, or a checkpoint: a path, or owner/name[@revision] on the hub',
    )
    .option('--tensor <name>', 'of the checkpoint, instead of the one that is found by itself')
    .option('--json', 'print it as JSON', false)
    .action(inspect);
}

interface InspectOptions {
  tensor?: string;
  json: boolean;
}

async function inspect(place: string, { json, ...options }: InspectOptions): Promise<void> {
  if (holdsRun(place)) {
    const manifest = readManifest(place);
    print(json ? JSON.stringify(manifest) : inspectionText(place, manifest));
  } else if (!existsSync(place) && parseHubReference(place) !== null) {
    const model = await inspectHubModel(place, { hub: hubSettings(process.env), ...options });
    print(json ? JSON.stringify(model) : hubModelText(model));
  } else {
    const model = await inspectModel(place, options);
    print(json ? JSON.stringify(model) : modelText(model));
  }
}

/** @throws InputError for a directory that holds neither a run nor a checkpoint */
function holdsRun(place: string): boolean {
  const has = (name: string) => existsSync(path.join(place, name));
  if (has(MANIFEST_NAME)) return true;
  const isDirectory = statSync(place, { throwIfNoEntry: false })?.isDirectory() ?? false;
  if (isDirectory && !configNames.some(has)) {
    throw new InputError(
      `${place}: holds no finished run (no ${MANIFEST_NAME}; an unfinished one is completed by --resume), ` +
        `and ${noCheckpoint(place)}`,
    );
  }
  return false;
}
