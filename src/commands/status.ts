import type { Command } from 'commander';
import { type RunStatus, type StageStatus, stageOfStatus, statusOf } from '../run/status.js';
import { alignedRows } from '../text/aligned-rows.js';
import { count, counted, fixed } from '../text/figures.js';
import { numberRanges } from '../text/number-ranges.js';
import { answerJson, screenText } from './answer-text.js';
import { exampleText } from './examples.js';
import { print } from './print.js';

/** Adds `status`. */
export function addStatusCommand(program: Command): void {
  program
    .command('status')
    .description('how far a run is: stages, units done, failed and missing, machines, pace, time left')
    .argument('<run>', 'directory of the run')
    .option('--missing <stage>', 'print the missing units of a stage alone, as schedulers take them: 0-3,7')
    .option('--json', 'print the status as JSON', false)
    .action(status)
    .addHelpText('after', exampleText('status runs/mine', 'status runs/mine --missing project'));
}

function status(directory: string, { missing, json }: { missing?: string; json: boolean }): void {
  const found = statusOf(directory);
  if (missing !== undefined) {
    const { missing: numbers } = stageOfStatus(found, missing);
    print(json ? answerJson({ missing: numbers }) : numberRanges(numbers));
    return;
  }
  print(json ? answerJson(found) : screenText(statusText(found)));
}

/** Failures that are shown of a stage; the folder `failed` has all of them. */
const SHOWN_FAILURES = 3;

/** What a status is for a person. */
export function statusText(status: RunStatus): string {
  const { directory, model, weights, stages, processors, planned } = status;
  const weighed = weights === 'uniform' ? '' : `rows weighed by ${weights}, `;
  const failures = stages.flatMap((stage) =>
    stage.failed
      .slice(0, SHOWN_FAILURES)
      .map(
        ({ unit, attempt, host, message, isPassing }) =>
          `${stage.name}, unit ${unit}, attempt ${attempt} on ${host}${isPassing ? ' (may pass)' : ''}: ${message}`,
      ),
  );
  return [
    `${directory}: ${model.name}, ${count(model.rows)} x ${count(model.hidden)}, ${weighed}planned ${planned}`,
    alignedRows([
      ['stage', 'units', 'done', 'failed', 'missing', 'machines', 'seconds', 'units/h', 'left'],
      ...stages.map(stageCells),
    ]),
    ...(processors.length > 1
      ? [
          `warning: processors of ${processors.length} kinds, whose last bits differ: ${processors.join('; ')}`,
        ]
      : []),
    ...failures,
    nextText(status),
  ].join('\n');
}

function stageCells({
  name,
  units,
  done,
  failed,
  missing,
  hosts,
  seconds,
  unitsPerHour,
  secondsLeft,
}: StageStatus): string[] {
  return [
    name,
    String(units),
    String(done),
    String(failed.length),
    missing.length === 0 ? '' : shortened(numberRanges(missing)),
    hosts.length > 2 ? counted(hosts.length, 'machine') : hosts.join(', '),
    done === 0 ? '' : fixed(seconds),
    unitsPerHour === null ? '' : count(Math.round(unitsPerHour)),
    missing.length === 0 ? '' : secondsLeft === null ? 'not known' : `${count(Math.ceil(secondsLeft))} s`,
  ];
}

function shortened(text: string): string {
  return text.length > 24 ? `${text.slice(0, 21)}...` : text;
}

function nextText({ directory, isFinished, stages }: RunStatus): string {
  if (isFinished) return 'finished: `eigenshard verify` checks it again';
  const next = stages.find(({ missing }) => missing.length > 0)!;
  return `next: eigenshard step ${directory} ${next.name}`;
}
