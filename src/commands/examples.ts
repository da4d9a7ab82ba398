/**
 * Shows calls of the program behind the help of a command.
 *
 * @param calls each a line without the program's name
 */
export function exampleText(...calls: readonly string[]): string {
  return [
    '',
    calls.length === 1 ? 'Example:' : 'Examples:',
    ...calls.map((call) => `  eigenshard ${call}`),
  ].join('\n');
}
