/** A result, on stdout; what is only said on the way goes to stderr. */
export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
