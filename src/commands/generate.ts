import type { Command } from 'commander';
import { withContext } from '../run/caller.js';
import { configDefaults } from '../run/config.js';
import { provideGenerated } from '../run/provide-generated.js';
import { exampleText } from './examples.js';
import { interruptible } from './interruptible.js';
import { integer, needs, wholeNumber, workersOption } from './options.js';
import { print } from './print.js';
import { showProgress } from './progress.js';

/** Adds `generate`. */
export function addGenerateCommand(program: Command): void {
  program
    .command('generate')
    .description('make a synthetic checkpoint, bfloat16, in the layout of a Hugging Face directory')
    .option('--rows <n>', 'vocabulary rows V', wholeNumber)
    .option('--hidden <n>', 'hidden size d', wholeNumber)
    .option('--seed <n>', 'seed of the random numbers', integer, 42)
    .option('--out <dir>', 'directory to make')
    .addOption(workersOption())
    .option('--quiet', 'no progress', false)
    .addHelpText('after', exampleText('generate --rows 10000 --hidden 256 --out data/made-up'))
    .hook('preAction', needs('rows', 'hidden', 'out'))
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
  const onProgress = showProgress(process.stderr, quiet);
  const isNew = await interruptible((signal) =>
    withContext(workers ?? configDefaults.workers, { signal, onProgress }, (context) =>
      provideGenerated(out, recipe, context),
    ),
  );
  print(
    isNew ? `${out}: ${rows} x ${hidden}, bfloat16, seed ${seed}` : `${out}: holds this checkpoint already`,
  );
}
