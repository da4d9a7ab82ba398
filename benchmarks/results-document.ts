/** What a subject printed on the machine of one kind of processor on which it ran last. */
export interface ResultsBlock {
  /** Kind of processor, as `processorFamily` names it. */
  processor: string;
  /** Line that names the machine and the day. */
  machine: string;
  /** Lines of the output, with no end of line behind the last. */
  output: string;
}

/** A subject of the benchmarks, with a block for each kind of processor on which it ran. */
export interface ResultsSection {
  title: string;
  command: string;
  blocks: readonly ResultsBlock[];
}

const HEAD = `# Results

What the benchmarks print: under the command of each a block for each kind of processor, by its vendor and family, with
the machine of that kind on which it ran last, and the day. All contenders of a table ran in turn in one run, and their
answers were checked before their times counted. To repeat it, on a quiet machine, after \`npm ci\`:
\`node dist/benchmarks/results.js\`, which renews the blocks of that machine's kind.`;

const NOT_RUN = 'Not run yet.';

/** The text of benchmarks/RESULTS.md. */
export function resultsDocument(sections: readonly ResultsSection[]): string {
  return `${[HEAD, ...sections.map(textOfSection)].join('\n\n')}\n`;
}

function textOfSection({ title, command, blocks }: ResultsSection): string {
  const texts = blocks.length === 0 ? [NOT_RUN] : blocks.map(textOfBlock);
  return [`## ${title}`, `\`${command}\``, ...texts].join('\n\n');
}

function textOfBlock({ processor, machine, output }: ResultsBlock): string {
  return [`### ${processor}`, machine, `\`\`\`\n${output}\n\`\`\``].join('\n\n');
}

/** The head of a section, or a whole block: what looks like a heading within the output is passed over with it. */
const PARTS =
  /^## (?<title>.+)\n\n`(?<command>.+)`$|^### (?<processor>.+)\n\n(?<machine>.+)\n\n```\n(?<output>[\s\S]*?)\n```$/gm;

/** The sections of a text that `resultsDocument` has made. */
export function resultsSections(text: string): ResultsSection[] {
  const sections: (ResultsSection & { blocks: ResultsBlock[] })[] = [];
  for (const { groups } of text.matchAll(PARTS)) {
    const { title, command = '', processor = '', machine = '', output = '' } = groups!;
    if (title === undefined) sections.at(-1)?.blocks.push({ processor, machine, output });
    else sections.push({ title, command, blocks: [] });
  }
  return sections;
}

/** A section with a block in the place of the one that it had of that kind of processor; the newest family comes first. */
export function withBlock(section: ResultsSection, block: ResultsBlock): ResultsSection {
  const others = section.blocks.filter(({ processor }) => processor !== block.processor);
  const blocks = [...others, block].toSorted((a, b) =>
    b.processor.localeCompare(a.processor, 'en', { numeric: true }),
  );
  return { ...section, blocks };
}
