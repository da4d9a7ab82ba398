import { availableParallelism } from 'node:os';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { normRules } from '../input/norm/norm-rules.js';
import { type ExportKind, exportKinds } from '../output/export-kinds.js';
import { parseRidge, RIDGE_FORMS } from '../plan/ridge.js';
import { parseWeighting, WEIGHTING_FORMS } from '../plan/weighting.js';
import { count, parseBytes } from '../text/figures.js';

/** `--workers <n>`, the same of every command that computes. */
export function workersOption(): Option {
  return new Option(
    '--workers <n>',
    `worker threads (default: the cores available, ${availableParallelism()} here)`,
  ).argParser(wholeNumber);
}

/** What says which norm lies before the vocabulary. */
export function normRuleOption(): Option {
  return new Option(
    '--norm-rule <rule>',
    'what the final norm is, where the architecture does not tell',
  ).choices(normRules);
}

/** What says where the checkpoint lies whose final norm vectors are taken through. */
export function normModelOption(): Option {
  return new Option(
    '--model <model>',
    'checkpoint of the final norm, where it is no longer where the run recorded it',
  );
}

/** `--allow-mixed`, the same of every command that has the stages of a run computed. */
export function allowMixedOption(): Option {
  return new Option(
    '--allow-mixed',
    'compute, and finish, on processors of several kinds, whose last bits differ',
  ).default(false);
}

/** Kinds of export, separated by commas. */
export function exportList(text: string): ExportKind[] {
  return text.split(',').map((kind) => {
    const found = exportKinds.find((known) => known === kind.trim());
    if (found === undefined) throw new InvalidArgumentError(`Allowed are ${exportKinds.join(', ')}.`);
    return found;
  });
}

export function wholeNumber(text: string): number {
  const value = integer(text);
  if (value < 1) throw new InvalidArgumentError('It must be 1 or more.');
  return value;
}

/** Parses a whole number from 1 up to another one. */
export function wholeNumberUpTo(most: number): (text: string) => number {
  return (text) => {
    const value = wholeNumber(text);
    if (value > most) throw new InvalidArgumentError(`It must be ${count(most)} or less.`);
    return value;
  };
}

export function integer(text: string): number {
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(Number(text))) {
    throw new InvalidArgumentError('It must be a whole number.');
  }
  return Number(text);
}

/** A whole number that counts from the end where it is below 0; `last` is the last one. */
export function indexFromEitherEnd(text: string): number {
  if (text === 'last') return -1;
  const value = Number(text);
  if (!/^-?\d+$/.test(text) || !Number.isSafeInteger(value)) {
    throw new InvalidArgumentError(
      'It must be a whole number: 0, 1, ... by ascending lambda, -1, -2, ... from the end; or "last".',
    );
  }
  return value;
}

/** A ridge: a number, or a share of the mean variance. */
export function ridge(text: string): number | string {
  const parsed = parseRidge(text);
  if (parsed === undefined) throw new InvalidArgumentError(`It must be ${RIDGE_FORMS}.`);
  return 'absolute' in parsed ? parsed.absolute : text;
}

/** How rows are weighed. */
export function weighting(text: string): string {
  if (parseWeighting(text) === undefined) throw new InvalidArgumentError(`Allowed are ${WEIGHTING_FORMS}.`);
  return text;
}

/** Vectors from:to, of which either may be left out. */
export function rowRange(text: string): { from: number; to: number | null } {
  const [, from, to] = /^(\d*):(\d*)$/.exec(text) ?? [];
  if (from === undefined || to === undefined || text === ':')
    throw new InvalidArgumentError(
      'It must be a range from:to, such as 0:100, :100 or 100:, without the last one.',
    );
  return { from: from === '' ? 0 : integer(from), to: to === '' ? null : integer(to) };
}

/**
 * Refuses a command without these options, before its action. Commander's own required options are asked for before
 * it looks at unknown ones, and so it would not say which of them a misspelt one may be.
 */
export function needs(...names: readonly string[]): (command: Command) => void {
  return (command) => {
    const missing = command.options.find(
      (option) =>
        names.includes(option.attributeName()) &&
        command.getOptionValue(option.attributeName()) === undefined,
    );
    if (missing !== undefined) command.error(`error: required option '${missing.flags}' not specified`);
  };
}

/** Parses bytes with a unit, as 5GB. */
export function size(text: string): number {
  const bytes = parseBytes(text);
  if (bytes === null) throw new InvalidArgumentError('It must be a size such as 5GB.');
  return bytes;
}
