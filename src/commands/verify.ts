import type { Command } from 'commander';
import { InputError } from '../errors.js';
import { refuseFailed } from '../run/judge-run.js';
import { type VerifyOptions, verify } from '../run/verify.js';
import { interruptible } from './interruptible.js';
import { workersOption } from './options.js';
import { print } from './print.js';
import { showProgress } from './progress.js';
import { verificationLines } from './run-text.js';

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
    .action(verifyCommand);
}

interface VerifyCommandOptions extends VerifyOptions {
  json: boolean;
  quiet: boolean;
}

async function verifyCommand(
  directory: string,
  { json, quiet, ...options }: VerifyCommandOptions,
): Promise<void> {
  const onProgress = showProgress(process.stderr, quiet);
  const { unchecked, ...verification } = await interruptible((signal) =>
    verify(directory, { ...options, signal, onProgress }),
  );
  print(json ? JSON.stringify({ ...verification, unchecked }) : verificationLines(verification).join('\n'));
  refuseFailed(directory, verification.checks);
  if (unchecked.length > 0) throw new InputError(unchecked.join('\n'));
}
