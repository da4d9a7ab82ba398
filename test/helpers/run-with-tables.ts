import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { ExecutionContext } from 'ava';
import type { FinishedRun } from '../../src/run/coordinator.js';
import { safetensors, scratchDirectory } from './fixtures.js';
import { randomFloat32 } from './random.js';
import { runHere } from './runs.js';

const ROWS = 300;
const HIDDEN = 24;
/** Row from which on all are equal, and the tokenizer has no token for them. */
const ORPHANS = 290;
/** Places of each list of extremes. */
export const TOP = 5;

/** Texts that would do harm where they were taken for HTML, script, or a terminal's own commands, or were not cut. */
const harmful = [
  '</script><script>document.title="run"</script>',
  '<img src=x onerror=alert(1)>',
  '\u001b[31mred',
  '"',
  ' the',
  '国\n',
  '\ufeff',
  '\ufeffusing',
  'o'.repeat(200),
  'The',
];

/** A finished run of 300 x 24 with its tables and its report. */
export async function runWithTables(t: ExecutionContext): Promise<FinishedRun> {
  const scratch = scratchDirectory(t);
  const model = path.join(scratch, 'model');
  mkdirSync(model);
  const gamma = randomFloat32(ROWS * HIDDEN, 11);
  for (let i = ORPHANS + 1; i < ROWS; i++) {
    gamma.copyWithin(i * HIDDEN, ORPHANS * HIDDEN, (ORPHANS + 1) * HIDDEN);
  }
  const tensor = { name: 'lm_head.weight', dtype: 'F32', shape: [ROWS, HIDDEN] };
  writeFileSync(
    path.join(model, 'model.safetensors'),
    safetensors([{ ...tensor, data: new Uint8Array(gamma.buffer) }]),
  );
  const texts = Array.from({ length: ORPHANS }, (_, i) => harmful[i] ?? ` word${i}`);
  const vocab = Object.fromEntries(texts.map((text, id) => [text, id]));
  writeFileSync(
    path.join(model, 'tokenizer.json'),
    JSON.stringify({ model: { type: 'WordLevel', vocab }, decoder: null }),
  );
  writeFileSync(path.join(model, 'config.json'), JSON.stringify({ hidden_size: HIDDEN, vocab_size: ROWS }));
  return runHere({ model, out: path.join(scratch, 'run'), partitionRows: 100, top: TOP });
}
