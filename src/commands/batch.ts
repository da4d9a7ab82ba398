import type { Command } from 'commander';
import type { BatchCommandOptions } from './compute-batch.js';
import { exampleText } from './examples.js';
import { workersOption } from './options.js';

/** Adds `batch`. */
export function addBatchCommand(program: Command): void {
  program
    .command('batch')
    .description('compute many runs, one after the other; called again it does what is left to do')
    .argument('<config>', 'configuration file with "defaults" and "runs"')
    .option('--dry-run', 'show what the runs are and need, and stop there', false)
    .option('--index <i>', 'compute only the runs r with r mod <n> = <i>, from 0; others compute the others')
    .option('--of <n>', 'processes that share the runs (default of both: what the scheduler says)')
    .option('--out <dir>', 'folder of the runs and of summary.parquet (default: runs/<name of the file>)')
    .addOption(workersOption())
    .option('--json', 'print one JSON object on stdout at the end', false)
    .option('--quiet', 'no progress', false)
    .addHelpText('after', exampleText('batch models.json --dry-run', 'batch models.json --out runs/series'))
    .action(async (file: string, options: BatchCommandOptions) => {
      const { batch } = await import('./compute-batch.js');
      await batch(file, options);
    });
}
