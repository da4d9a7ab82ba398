import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Ended } from './cli.js';

/** The process that answers; started with the first question, and gone with the file of tests. */
let answering: ChildProcess | undefined;

/** The question that is being answered: one at a time, since a process has one stdout. */
let last: Promise<unknown> = Promise.resolve();

/**
 * What the command line answers, as `eigenshard` tells it, by one process for all questions of a file of tests: for
 * those that are answered without computing, of which most of the time would be the start of the program.
 */
export function answer(...args: readonly string[]): Promise<Ended> {
  const answered = last.then(() => ask(args));
  last = answered.catch(() => {});
  return answered;
}

function ask(args: readonly string[]): Promise<Ended> {
  answering ??= startAnswering();
  const process = answering;
  return new Promise((resolve, reject) => {
    const end = (code: number | null) => {
      answering = undefined;
      reject(new Error(`${args.join(' ')}: ended the process, with ${code}`));
    };
    process.once('exit', end).once('message', (ended: Ended) => {
      process.off('exit', end);
      hold(process, false);
      resolve(ended);
    });
    hold(process, true);
    process.send({ args });
  });
}

function startAnswering(): ChildProcess {
  return fork(fileURLToPath(new URL('answer-questions.js', import.meta.url)), { stdio: 'ignore' });
}

/** Whether this process waits for the other: only while a question is open. */
function hold(process: ChildProcess, isOpen: boolean): void {
  for (const handle of [process, process.channel]) isOpen ? handle?.ref() : handle?.unref();
}
