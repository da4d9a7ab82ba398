import type { Command } from 'commander';
import { InputError } from '../errors.js';

/**
 * Refuses options that were typed, and that a command makes nothing of as it was called.
 *
 * @param names of the options, as keys
 * @param text what an option is for, and what to do; it is given how the option was typed
 * @throws InputError that names the first of them
 */
export function refuseIdle(command: Command, names: readonly string[], text: (flag: string) => string): void {
  const typed = names.find((name) => command.getOptionValueSource(name) === 'cli');
  if (typed === undefined) return;
  const isNegated = command.getOptionValue(typed) === false;
  const option = command.options.find((one) => one.attributeName() === typed && one.negate === isNegated);
  throw new InputError(text(option?.long ?? typed));
}
