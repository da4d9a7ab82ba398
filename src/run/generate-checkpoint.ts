import { createHash } from 'node:crypto';
import { closeSync, ftruncateSync, openSync, renameSync } from 'node:fs';
import path from 'node:path';
import { InputError } from '../errors.js';
import { type Executor, runTasks } from '../executor/executor.js';
import { tellRows } from '../executor/tell-rows.js';
import { afterCleanUp } from '../files/clean-up.js';
import { makeDirectory } from '../files/make-directory.js';
import { namesIn } from '../files/names-in.js';
import { sweepPartialFiles, writeFileAtomically, writeFully } from '../files/partial-file.js';
import { readTextIfThere } from '../files/read-text.js';
import { removeFile } from '../files/remove-file.js';
import { asOutputError } from '../files/write-error.js';
import type { FileLayout } from '../formats/layout.js';
import { planSafetensorsFile } from '../formats/plan-safetensors.js';
import { readSafetensorsHeader } from '../formats/safetensors.js';
import type { RowSource } from '../input/checkpoint.js';
import type { SyntheticRecipe } from '../input/synthetic.js';
import { SYNTHETIC_VERSION } from '../input/synthetic.js';
import { SCAN_ROWS } from '../plan/plan-run.js';
import { splitRows } from '../plan/row-ranges.js';

const TENSOR = 'model.embed_tokens.weight';
const CONFIG_NAME = 'config.json';

/**
 * Makes a synthetic checkpoint, bfloat16, in the layout of a Hugging Face directory. The weights appear under
 * their name when they are complete, the configuration before them.
 */
export async function generateCheckpoint(
  executor: Executor,
  directory: string,
  recipe: SyntheticRecipe,
  onRows: (rows: number) => void,
): Promise<void> {
  const { rows } = recipe;
  makeDirectory(directory);
  sweepPartialFiles(directory, CONFIG_NAME);
  writeFileAtomically(path.join(directory, CONFIG_NAME), [Buffer.from(configText(recipe))]);

  const layout = layoutOf(recipe);
  const unfinished = path.join(directory, '.model.safetensors.unfinished');
  writeFrame(unfinished, layout);
  const { byteOffset } = layout.tensors[0]!;
  const inputs = splitRows(rows, SCAN_ROWS).map((range) => ({
    file: unfinished,
    byteOffset,
    rows: range,
    recipe,
  }));
  try {
    await runTasks(tellRows(executor, onRows), 'generate', inputs, () => {});
    renameSync(unfinished, weightsOf(directory));
  } catch (error) {
    throw afterCleanUp(asOutputError(error, weightsOf(directory)), () => removeFile(unfinished));
  }
}

/** Makes the file at its full size, with all but the weights. */
function writeFrame(file: string, layout: FileLayout): void {
  try {
    const descriptor = openSync(file, 'w');
    try {
      ftruncateSync(descriptor, layout.bytes);
      for (const { offset, bytes } of layout.frame([])) writeFully(descriptor, bytes, offset, file);
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    throw afterCleanUp(asOutputError(error, file), () => removeFile(file));
  }
}

/** The matrix that a recipe gives, and the file that holds it, before it is made. */
export function planGenerated(
  directory: string,
  recipe: SyntheticRecipe,
): {
  shape: Pick<RowSource, 'rows' | 'columns' | 'dtype' | 'tensor'>;
  file: { path: string; bytes: number };
} {
  const { rows, hidden } = recipe;
  return {
    shape: { rows, columns: hidden, dtype: 'bfloat16', tensor: TENSOR },
    file: { path: path.resolve(weightsOf(directory)), bytes: layoutOf(recipe).bytes },
  };
}

/**
 * Whether `directory` already holds the checkpoint of this recipe.
 *
 * @throws InputError where it holds other weights, or other things, among which a checkpoint does not go
 */
export async function isGenerated(directory: string, recipe: SyntheticRecipe): Promise<boolean> {
  const file = weightsOf(directory);
  try {
    const { metadata } = await readSafetensorsHeader(file);
    if (metadata.get('eigenshard_recipe') === recipeFingerprint(recipe)) return true;
  } catch (error) {
    const cause = error instanceof Error ? (error.cause as NodeJS.ErrnoException | undefined) : undefined;
    if (cause?.code !== 'ENOENT') throw error;
    refuseOtherFiles(directory, recipe);
    return false;
  }
  throw new InputError(
    `${file}: holds other weights than ${JSON.stringify(recipe)} gives; choose another directory, or remove it`,
  );
}

/** Hidden files, and our own configuration, are what a generation that was cut off has left. */
function refuseOtherFiles(directory: string, recipe: SyntheticRecipe): void {
  const config = path.join(directory, CONFIG_NAME);
  const others = namesIn(directory).filter(
    (name) =>
      !name.startsWith('.') &&
      !(name === CONFIG_NAME && readTextIfThere(config, 'the configuration') === configText(recipe)),
  );
  if (others.length === 0) return;
  const shown = others.slice(0, 3).join(', ') + (others.length > 3 ? ', ...' : '');
  throw new InputError(
    `${directory}: holds other files (${shown}), among which no checkpoint is put; give a new or an empty directory`,
  );
}

function configText({ rows, hidden }: SyntheticRecipe): string {
  const config = {
    model_type: 'synthetic',
    hidden_size: hidden,
    vocab_size: rows,
    tie_word_embeddings: true,
    torch_dtype: 'bfloat16',
  };
  return `${JSON.stringify(config, null, 2)}\n`;
}

function layoutOf(recipe: SyntheticRecipe): FileLayout {
  return planSafetensorsFile(
    { [TENSOR]: { dtype: 'bfloat16', shape: [recipe.rows, recipe.hidden] } },
    { format: 'pt', eigenshard_recipe: recipeFingerprint(recipe) },
  );
}

function weightsOf(directory: string): string {
  return path.join(directory, 'model.safetensors');
}

function recipeFingerprint({ rows, hidden, seed }: SyntheticRecipe): string {
  const identity = JSON.stringify({ version: SYNTHETIC_VERSION, rows, hidden, seed });
  return createHash('sha256').update(identity).digest('hex');
}
