import { existsSync, statSync } from 'node:fs';
import path from 'node:path';
import { type Command, Option } from 'commander';
import { InputError } from '../errors.js';
import { asInputError } from '../files/read-error.js';
import { parseHubReference } from '../hub/reference.js';
import { hubSettings } from '../hub/settings.js';
import { type MatrixSide, matrixSides } from '../input/matrix/matrix-side.js';
import { configNames, noCheckpoint, weightName } from '../input/model-config.js';
import { nameWithoutOwner } from '../input/name-without-owner.js';
import { partOfRun } from '../output/part-of-run.js';
import { type RecordedKindName, recordedKindOf, recordedKinds } from '../output/recorded-kinds.js';
import { MANIFEST_NAME } from '../output/run-folders.js';
import { answerJson, screenText } from './answer-text.js';
import { batchFolderRows, batchFolderText } from './batch-folder-text.js';
import { exampleText } from './examples.js';
import { refuseIdle } from './idle-options.js';
import { print } from './print.js';
import { hubModelText, inspectionText, modelText } from './run-text.js';

/** Adds `inspect`, of a run or of a checkpoint. */
export function addInspectCommand(program: Command): void {
  program
    .command('inspect')
    .description(
      'show what a finished run, a batch, or what was made of runs holds, or what a run would take of a checkpoint',
    )
    .argument(
      '<path>',
      'output directory of a run, of a batch, of a comparison, ..., or a checkpoint: a path, or owner/name[@revision] on the hub',
    )
    .option('--tensor <name>', 'of the checkpoint, instead of the one that is found by itself')
    .addOption(
      new Option('--side <side>', 'of the model: its unembedding or its input embedding').choices(
        matrixSides,
      ),
    )
    .option('--json', 'print it as JSON', false)
    .addHelpText(
      'after',
      exampleText('inspect runs/mine', 'inspect path/to/checkpoint', 'inspect openai-community/gpt2'),
    )
    .action(inspect);
}

interface InspectOptions {
  tensor?: string;
  side?: MatrixSide;
  json: boolean;
}

async function inspect(place: string, { json, ...options }: InspectOptions, command: Command): Promise<void> {
  const { inspectHubModel, inspectModel } = await import('../input/inspect-model.js');
  if (!existsSync(place) && parseHubReference(place) !== null) {
    const model = await inspectHubModel(place, { hub: hubSettings(process.env), ...options });
    print(json ? answerJson(model) : screenText(hubModelText(model)));
    return;
  }
  const refuseChoice = (what: string) =>
    refuseIdle(
      command,
      ['tensor', 'side'],
      (flag) => `${place}: holds ${what}; ${flag} chooses a matrix of a checkpoint: leave it away`,
    );
  const kind = recordedKindOf(place);
  if (kind !== null) {
    refuseChoice(recordedKinds[kind].what);
    return inspectFolder(kind, place, json);
  }
  const [{ inspectBatch, runsOfBatch }, { readManifest }] = await Promise.all([
    import('../batch/batch-folder.js'),
    import('../output/manifest.js'),
  ]);
  // A checkpoint may have runs beside it.
  const runs = existsSync(path.join(place, 'config.json')) ? null : runsOfBatch(place);
  if (runs !== null) {
    refuseChoice('runs of a batch');
    const found = await inspectBatch(place, runs);
    print(json ? answerJson(batchFolderRows(found)) : screenText(batchFolderText(place, found)));
  } else if (holdsRun(place)) {
    refuseChoice('a finished run');
    const manifest = readManifest(place);
    print(json ? answerJson(manifest) : screenText(inspectionText(place, manifest)));
  } else {
    const model = await inspectModel(place, options);
    print(json ? answerJson(model) : screenText(modelText(model)));
  }
}

async function inspectFolder(kind: RecordedKindName, place: string, json: boolean): Promise<void> {
  const { readFolder } = await import('./folder-text.js');
  const { record, text } = await readFolder(kind, place);
  print(json ? answerJson(record) : screenText(text));
}

/** @throws InputError for a directory that holds neither a run nor a checkpoint, and where there is nothing */
function holdsRun(place: string): boolean {
  const has = (name: string) => existsSync(path.join(place, name));
  if (has(MANIFEST_NAME)) return true;
  // Weights can lie anywhere.
  const part = configNames.some(has) || weightName.test(place) ? null : partOfRun(place);
  if (part !== null) throw part;
  if (isDirectory(place) && !configNames.some(has)) {
    throw new InputError(
      `${place}: holds no finished run (no ${MANIFEST_NAME}; an unfinished one is completed by --resume), ` +
        `and ${noCheckpoint(place)}`,
    );
  }
  return false;
}

function isDirectory(place: string): boolean {
  try {
    return statSync(place).isDirectory();
  } catch (error) {
    throw nameWithoutOwner(place, asInputError(error, place, 'the run or checkpoint'));
  }
}
