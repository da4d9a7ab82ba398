import type { Command, Option } from 'commander';
import { nearest } from '../text/nearest.js';
import { misplacedWord } from './misplaced-word.js';

/**
 * Adds to an error about a command line what to do next: what an option or argument is for, which command has an option that
 * this one has not, and how the options of this command are listed.
 *
 * @param text Commander's, with its line feed
 * @param command that was called
 * @param all commands of the program
 */
export function commandErrorText(text: string, command: Command, all: readonly Command[]): string {
  const [, unknown] = /^error: unknown option '(--?[^'=]+)/.exec(text) ?? [];
  const lines = [
    ...(unknown === undefined || text.includes('Did you mean') ? [] : likeIt(unknown, command, all)),
    ...explanation(text, command),
    `"${nameOf(command)} --help" lists what ${command.name()} takes.`,
  ];
  return `${text}${lines.join('\n')}\n`;
}

/** Refuses, before the action, words and values that are none: an option in the place of a value, one word too many. */
export function refuseMisplaced(command: Command): void {
  for (const option of command.options) {
    const value: unknown = command.getOptionValue(option.attributeName());
    if (option.isBoolean() || typeof value !== 'string') continue;
    if (value === '') command.error(`error: option '${option.flags}' argument is empty`);
    if (command.options.some(({ long, short }) => value === long || value === short))
      command.error(`error: option '${option.flags}' argument missing: ${value} is an option itself`);
  }
  const expected = command.registeredArguments;
  for (const [k, word] of command.args.entries()) {
    if (word === '' && expected[k]?.required)
      command.error(`error: argument '${expected[k].name()}' is empty`);
    if (k >= expected.length && !expected.at(-1)?.variadic)
      command.error(`error: unexpected argument '${word}'`);
  }
}

/** What an option or argument is for that the error is about; one word too many for `run` is often its model. */
function explanation(text: string, command: Command): string[] {
  const [, flags] = /^error: (?:required )?option '([^']+)'/.exec(text) ?? [];
  const option = command.options.find((one) => one.flags === flags);
  if (option !== undefined) return [described(option)];
  const [, missing] = /^error: (?:missing required )?argument '([^']+)'/.exec(text) ?? [];
  const argument = command.registeredArguments.find((one) => one.name() === missing);
  if (argument !== undefined) return [`<${argument.name()}>: ${argument.description}.`];
  const [, word] = /^error: unexpected argument '([\s\S]*)'\n$/.exec(text) ?? [];
  if (word === undefined) return [];
  if (command.registeredArguments.length > 0)
    return [
      `Expected are ${command.registeredArguments.map((one) => `<${one.name()}>`).join(' ')} and options.`,
      ...(command.name() === 'sql'
        ? ['Put the query into quotation marks: the shell takes it apart otherwise.']
        : []),
    ];
  return command.name() === 'run'
    ? [misplacedWord(word) ?? 'Expected are options alone: --model PATH, --out DIR, ...']
    : [];
}

function described({ flags, description }: Option): string {
  return `${flags}: ${description}.`;
}

/** Says which option of this command begins so, or else which commands have an option of this or a near name. */
function likeIt(flag: string, command: Command, all: readonly Command[]): string[] {
  const longer = command.options.find(
    ({ long, hidden }) => !hidden && flag.length > 3 && long?.startsWith(flag),
  );
  if (longer !== undefined) return [`(Did you mean ${longer.long}?)`];
  const others = all.filter((one) => one !== command);
  const known = others.flatMap((one) => one.options.filter(({ hidden }) => !hidden).flatMap(namesOfOption));
  const meant = known.includes(flag) ? flag : nearestLong(flag, known);
  if (meant === null) return [];
  const names = others.filter((one) => one.options.some((option) => namesOfOption(option).includes(meant)));
  return [`${meant} is an option of ${names.map((one) => one.name()).join(', ')}, not of ${command.name()}.`];
}

function namesOfOption({ long, short }: Option): string[] {
  return [long, short].filter((name) => name !== undefined);
}

/** The long option that is nearest to a mistyped one; its dashes are no letters that could be right or wrong. */
function nearestLong(flag: string, known: readonly string[]): string | null {
  if (!flag.startsWith('--')) return null;
  const words = known.filter((name) => name.startsWith('--')).map((name) => name.slice(2));
  const meant = nearest(flag.slice(2), words);
  return meant === null ? null : `--${meant}`;
}

/** The words by which a command is called. */
function nameOf(command: Command): string {
  return command.parent === null ? command.name() : `${nameOf(command.parent)} ${command.name()}`;
}
