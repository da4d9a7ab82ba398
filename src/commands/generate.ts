import type { Command } from 'commander';
import { configDefaults } from '../run/config.js';
import { generateCheckpoint, isGenerated } from '../run/generate-checkpoint.js';
import { Stopwatch } from '../run/stopwatch.js';
import { integer, wholeNumber, workersOption } from './options.js';
import { print } from './print.js';
import { withPool } from './with-pool.js';

/** Adds `generate`. */
export function addGenerateCommand(program: Command): void {
  program
    .command('generate')
    .description('make a synthetic checkpoint, bfloat16, in the layout of a Hugging Face directory')
    .requiredOption('--rows <n>', 'vocabulary rows V', wholeNumber)
    .requiredOption('--hidden <n>', 'hidden size d', wholeNumber)
    .option('--seed <n>', 'seed of the random numbers', integer, 42)
    .requiredOption('--out <dir>', 'directory to make')
    .addOption(workersOption())
    .option('--quiet', 'no progress', false)
    .action(generate);
}

interface GenerateOptions {
  rows: number;
  hidden: number;
  seed: number;
  out: string;
  workers?: number;
  quiet: boolean;
}

async function generate({ rows, hidden, seed, out, workers, quiet }: GenerateOptions): Promise<void> {
  const recipe = { rows, hidden, seed };
  if (await isGenerated(out, recipe)) {
    print(`${out}: holds this checkpoint already`);
    return;
  }
  await withPool(workers ?? configDefaults.workers, quiet, async (executor, progress) => {
    const stopwatch = new Stopwatch(progress);
    await stopwatch.time('generate', rows, (advance) => generateCheckpoint(executor, out, recipe, advance));
  });
  print(`${out}: ${rows} x ${hidden}, bfloat16, seed ${seed}`);
}
