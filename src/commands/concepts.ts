import type { Command } from 'commander';
import { answerJson, screenText } from './answer-text.js';
import { conceptsText } from './concepts-text.js';
import { exampleText } from './examples.js';
import { interruptible } from './interruptible.js';
import { integer, wholeNumber, workersOption } from './options.js';
import { print } from './print.js';
import { showProgress } from './progress.js';

/** Adds `concepts`. */
export function addConceptsCommand(program: Command): void {
  program
    .command('concepts')
    .description('find the directions of concepts from pairs of tokens, beside their controls')
    .argument('<run>', 'output directory of the run')
    .argument(
      '<pairs...>',
      'lines of concept, a and b, by tabs; or of a and b, a file a concept; at most 20,000 pairs of 512 concepts',
    )
    .option('--name <name>', 'of the folder in RUN/concepts (default: that of the one file)')
    .option('--text', 'take digits for texts, not for ids', false)
    .option('--seed <n>', 'of the controls', integer, 0)
    .option('--repeats <n>', 'how often each control is drawn', wholeNumber, 10)
    .option('--overwrite', 'replace the concepts of this name', false)
    .addOption(workersOption())
    .option('--json', 'print the record and the pairs as JSON on stdout', false)
    .option('--quiet', 'no progress', false)
    .addHelpText(
      'after',
      exampleText(
        'concepts runs/mine pairs.tsv',
        'concepts runs/mine plurals.tsv capitals.tsv --name own --json',
      ),
    )
    .action(concepts);
}

interface ConceptsOptions {
  name?: string;
  text: boolean;
  seed: number;
  repeats: number;
  overwrite: boolean;
  workers?: number;
  json: boolean;
  quiet: boolean;
}

async function concepts(
  directory: string,
  files: string[],
  { json, quiet, ...options }: ConceptsOptions,
): Promise<void> {
  const onProgress = showProgress(process.stderr, quiet);
  const { conceptDirections } = await import('../run/concept-directions.js');
  const found = await interruptible((signal) =>
    conceptDirections(directory, files, { ...options, signal, onProgress }),
  );
  print(
    json
      ? answerJson({ directory: found.directory, ...found.manifest, foundPairs: found.pairs })
      : screenText(conceptsText(found)),
  );
}
