import type { Command } from 'commander';
import { EigenshardError, InputError } from '../errors.js';
import { judgeFileSystem } from '../files/judge-file-system.js';
import { meetAt } from '../files/meet-at.js';
import { probeFileSystem } from '../files/probe-file-system.js';
import { answerJson, screenText } from './answer-text.js';
import { doctorText } from './doctor-text.js';
import { exampleText } from './examples.js';
import { interruptible } from './interruptible.js';
import { print } from './print.js';

/** Seconds to wait for the other machine: as long as network file systems hide new names by default. */
const PATIENCE_SECONDS = 90;

/** Adds `doctor`. */
export function addDoctorCommand(program: Command): void {
  program
    .command('doctor')
    .description('try what the file system of a folder can do for runs; leaves nothing behind')
    .argument('<path>', 'an existing folder, such as that of the runs')
    .option(
      '--visible-from <token>',
      'also measure how soon files of a second machine are seen, where the same command runs with the same token',
    )
    .option('--json', 'print what was found as JSON', false)
    .action(doctor)
    .addHelpText('after', exampleText('doctor runs', 'doctor /scratch/me --visible-from a7'));
}

interface DoctorOptions {
  visibleFrom?: string;
  json: boolean;
}

async function doctor(directory: string, { visibleFrom, json }: DoctorOptions): Promise<void> {
  const { findings, meeting } = await interruptible(async (signal) => {
    const found = await probeFileSystem(directory);
    if (signal.aborted) throw new EigenshardError('interrupted', 'interrupted');
    // Where nothing can be written there is nothing to be seen.
    if (visibleFrom === undefined || found.problems.folder !== null)
      return { findings: found, meeting: null };
    const context = { signal, patienceSeconds: PATIENCE_SECONDS };
    return { findings: found, meeting: await meetAt(found.directory, visibleFrom, context) };
  });
  const judgement = judgeFileSystem(findings, meeting);
  print(
    json
      ? answerJson({ ...findings, meeting, ...judgement })
      : screenText(doctorText(findings, meeting, judgement)),
  );
  if (judgement.verdict === 'does not serve')
    throw new InputError(`${directory}: ${judgement.verdict}, for the reasons above`);
}
