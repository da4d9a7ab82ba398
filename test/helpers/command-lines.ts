import { codeBlocks, codeSpans, documents } from './documents.js';

/** A command that a document shows: its words as a shell takes them apart, without what is a comment. */
export interface CommandLine {
  document: string;
  words: string[];
}

/** What the benchmarks print stands in consoles too. */
const guides = documents.filter(({ name }) => name !== 'benchmarks/RESULTS.md');

/** Every command of every document, from its consoles and scripts and between its backquotes. */
export const commandLines: readonly CommandLine[] = guides.flatMap((document) => {
  const consoles = codeBlocks(document).filter(({ language }) => ['', 'sh'].includes(language));
  const lines = [...consoles.flatMap(({ code }) => code.split('\n')), ...codeSpans(document)];
  return lines.flatMap(commandsOf).map((words) => ({ document: document.name, words }));
});

/** The arguments of every call of the command line that a document shows. */
export const calls: readonly { document: string; args: string[] }[] = commandLines.flatMap(
  ({ document, words }) => {
    // Behind srun, bsub and the like, too. A name alone is a file, or the package.
    const program = words.findIndex(
      (word, k) => word === 'eigenshard' || (k > 0 && word.endsWith('coordinator.js')),
    );
    return program >= 0 && words.length > program + 1 ? [{ document, args: words.slice(program + 1) }] : [];
  },
);

/** The words of a line that is one command. */
export function wordsOf(line: string): string[] {
  return commandsOf(line)[0] ?? [];
}

/** The commands of a line: words, some in quotes, up to a comment; several commands stand around `&&`. */
function commandsOf(line: string): string[][] {
  const commands: string[][] = [[]];
  for (const [word, doubleQuoted, singleQuoted] of line.matchAll(/"([^"]*)"|'([^']*)'|[^\s"']+/g)) {
    if (word.startsWith('#')) break;
    if (word === '&&') commands.push([]);
    else commands.at(-1)?.push(doubleQuoted ?? singleQuoted ?? word);
  }
  return commands.filter(({ length }) => length > 0);
}
