import type { Command } from 'commander';
import type { VerifiedRunOfBatch } from '../batch/verify-batch.js';
import { failedText } from '../checks/verdict.js';
import { EigenshardError, InputError, VerificationError } from '../errors.js';
import { type RecordedKindName, recordedKindOf, recordedKinds } from '../output/recorded-kinds.js';
import type { RunFolder } from '../output/run-folders.js';
import type { VerifyOptions } from '../run/verify.js';
import { counted } from '../text/figures.js';
import { answerJson, screenText } from './answer-text.js';
import { exampleText } from './examples.js';
import { refuseIdle } from './idle-options.js';
import { interruptible } from './interruptible.js';
import { workersOption } from './options.js';
import { print } from './print.js';
import { showProgress } from './progress.js';
import { verificationLines } from './run-text.js';

/** Adds `verify`. */
export function addVerifyCommand(program: Command): void {
  program
    .command('verify')
    .description(
      'check a finished run, all runs of a batch, or what was made of runs again, from the bytes on disk',
    )
    .argument('<run>', 'output directory of the run, of a batch, of a comparison, ...')
    .option('--model <model>', 'checkpoint, where it is no longer at the place that the run recorded')
    .option('--metric <file>', 'metric file, where it is no longer there')
    .option('--exact', 'compute the residual of the eigenbasis, which is estimated otherwise', false)
    .addOption(workersOption())
    .option('--json', 'print the verification as JSON on stdout', false)
    .option('--quiet', 'no progress', false)
    .addHelpText('after', exampleText('verify runs/mine', 'verify runs/mine --model moved/checkpoint'))
    .action(verifyCommand);
}

interface VerifyCommandOptions extends VerifyOptions {
  json: boolean;
  quiet: boolean;
}

async function verifyCommand(
  directory: string,
  options: VerifyCommandOptions,
  command: Command,
): Promise<void> {
  const kind = recordedKindOf(directory);
  if (kind !== null) {
    refuseIdle(
      command,
      ['model', 'metric', 'exact'],
      (flag) =>
        `${directory}: holds ${recordedKinds[kind].what}, whose files are compared with their record; ${flag} is for the ` +
        'verification of a run: leave it away',
    );
    return verifyFolder(kind, directory, options);
  }
  const { runsOfBatch } = await import('../batch/batch-folder.js');
  const runs = runsOfBatch(directory);
  if (runs === null) return verifyOne(directory, options);
  refuseIdle(
    command,
    ['model', 'metric'],
    (flag) =>
      `${directory}: is a folder of runs, each of its own model; leave ${flag} away, or verify one run`,
  );
  return verifyAll(directory, runs, options);
}

/** Compares the files of a folder that was made of runs with its record. */
async function verifyFolder(
  kind: RecordedKindName,
  directory: string,
  { json }: VerifyCommandOptions,
): Promise<void> {
  const { folderKinds, problemsOfFolder } = await import('../output/folder-kinds.js');
  const problems = await problemsOfFolder(kind, directory);
  const passed = problems.length === 0;
  const { what } = recordedKinds[kind];
  print(
    json
      ? answerJson({ passed, problems })
      : screenText(`${directory}: ${what}, ${passed ? '' : 'NOT '}as recorded`),
  );
  if (!passed) throw new VerificationError(`${problems.join('\n')}\nTo mend it, ${folderKinds[kind].again}`);
}

async function verifyOne(
  directory: string,
  { json, quiet, ...options }: VerifyCommandOptions,
): Promise<void> {
  const [{ verify }, { DAMAGE_ADVICE }] = await Promise.all([
    import('../run/verify.js'),
    import('../run/verify-run.js'),
  ]);
  const onProgress = showProgress(process.stderr, quiet);
  const { unchecked, ...verification } = await interruptible((signal) =>
    verify(directory, { ...options, signal, onProgress }),
  );
  print(
    json
      ? answerJson({ ...verification, unchecked })
      : screenText(verificationLines(verification, remarkOn(unchecked)).join('\n')),
  );
  const failed = failedText(verification.checks);
  if (failed !== null) throw new VerificationError(`${directory}: ${failed}; ${DAMAGE_ADVICE}`);
  if (unchecked.length > 0) throw new InputError(unchecked.join('\n'));
}

/** What stands beside the verdict where not all could be checked. */
function remarkOn(unchecked: readonly string[]): string | null {
  return unchecked.length === 0 ? null : 'in part: not every input is at hand';
}

/** Exits with the code of the worst run. */
async function verifyAll(
  directory: string,
  runs: readonly RunFolder[],
  { json, quiet, ...options }: VerifyCommandOptions,
): Promise<void> {
  const [{ failureOfBatch, verifyBatch }, { DAMAGE_ADVICE }] = await Promise.all([
    import('../batch/verify-batch.js'),
    import('../run/verify-run.js'),
  ]);
  const onProgress = showProgress(process.stderr, quiet);
  const verified: VerifiedRunOfBatch[] = [];
  await interruptible((signal) =>
    verifyBatch(directory, runs, { ...options, signal, onProgress }, (run) => {
      verified.push(run);
      if (!json) print(screenText(runText(run)));
    }),
  );
  if (json) print(answerJson(verified.map(runRow)));
  const failure = failureOfBatch(verified);
  if (failure === null) return;
  const { kind, lines } = failure;
  const share = `${lines.length} of ${counted(runs.length, 'run')}`;
  const next = kind === 'verification' ? `\n${DAMAGE_ADVICE}` : '';
  throw new EigenshardError(kind, `${directory}: ${share} did not pass:\n${lines.join('\n')}${next}`);
}

function runText({ directory, found, problem }: VerifiedRunOfBatch): string {
  if (problem !== null) return `${directory}\nnot verified: ${problem.message}\n`;
  return [directory, ...verificationLines(found, remarkOn(found.unchecked)), ...found.unchecked, ''].join(
    '\n',
  );
}

function runRow({ directory, found, problem }: VerifiedRunOfBatch) {
  return problem === null ? { directory, ...found } : { directory, passed: false, problem: problem.message };
}
