import type { Command } from 'commander';
import { hubSettings } from '../hub/settings.js';
import { configDefaults } from '../run/config.js';
import { refuseFailed } from '../run/judge-run.js';
import { Stopwatch } from '../run/stopwatch.js';
import { verifyRun } from '../run/verify-run.js';
import { workersOption } from './options.js';
import { print } from './print.js';
import { verificationLines } from './run-text.js';
import { withPool } from './with-pool.js';

/** Adds `verify`. */
export function addVerifyCommand(program: Command): void {
  program
    .command('verify')
    .description('check a finished run again, from the bytes on disk')
    .argument('<run>', 'output directory of the run')
    .option('--model <model>', 'checkpoint, where it is no longer at the place that the run recorded')
    .option('--metric <file>', 'metric file, likewise')
    .addOption(workersOption())
    .option('--json', 'print the verification as JSON on stdout', false)
    .option('--quiet', 'no progress', false)
    .action(verify);
}

interface VerifyOptions {
  model?: string;
  metric?: string;
  workers?: number;
  json: boolean;
  quiet: boolean;
}

async function verify(directory: string, { workers, json, quiet, ...places }: VerifyOptions): Promise<void> {
  const hub = hubSettings(process.env);
  await withPool(workers ?? configDefaults.workers, quiet, async (executor, progress, signal) => {
    const context = { executor, stopwatch: new Stopwatch(progress), note: progress.note, hub, signal };
    const { verification } = await verifyRun(directory, places, context);
    print(json ? JSON.stringify(verification) : verificationLines(verification).join('\n'));
    refuseFailed(directory, verification.checks);
  });
}
