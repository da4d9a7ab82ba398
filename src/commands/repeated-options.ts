import { type Command, Option } from 'commander';

/** Option that may be given several times, each of which counts. */
export class RepeatableOption extends Option {}

/** Refuses an option that is given twice with two values, of which one would be passed over in silence. */
export function refuseRepeated(command: Command): void {
  for (const option of command.options) {
    if (option.isBoolean() || option instanceof RepeatableOption) continue;
    let former: string | undefined;
    command.on(`option:${option.name()}`, (value: string) => {
      if (former !== undefined && value !== former)
        command.error(`error: option '${option.flags}' is given twice, as ${former} and ${value}: give one`);
      former = value;
    });
  }
}
