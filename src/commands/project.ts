import { type Command, Option } from 'commander';
import type { NormRule } from '../input/norm/norm-rules.js';
import { type VectorFormat, vectorFormats } from '../output/projected-folder.js';
import type { VectorKind, VectorSpace } from '../plan/vector-kind.js';
import { answerJson, screenText } from './answer-text.js';
import { exampleText } from './examples.js';
import { refuseIdle } from './idle-options.js';
import { interruptible } from './interruptible.js';
import { normModelOption, normRuleOption, rowRange, wholeNumber, workersOption } from './options.js';
import { print } from './print.js';
import { showProgress } from './progress.js';
import { projectedText } from './project-text.js';

/** Adds `project`. */
export function addProjectCommand(program: Command): void {
  program
    .command('project')
    .description('project vectors that are not rows: concepts, hidden states, decoder rows, neurons')
    .argument('<run>', 'output directory of the run')
    .argument('<vectors>', '.npy, .safetensors, .pt or .parquet file')
    .option('--kind <kind>', 'token (compared with rows) or hidden (multiplied with rows); no default')
    .option('--space <space>', 'normed (behind the final norm) or residual (before it); no default')
    .option('--tensor <name>', 'of the file, where several fit; of Parquet a column of lists')
    .option('--rows <from:to>', 'vectors of the file, without the last one (default: all)', rowRange)
    .option('--transpose', 'the vectors are the columns, where a square shape does not tell')
    .option('--no-transpose', 'the vectors are the rows, where a square shape does not tell')
    .option('--name <name>', 'of the folder in RUN/projected (default: that of the file)')
    .option('--top <k>', 'tokens in each list of the nearest', wholeNumber, 20)
    .option('--no-tokens', 'find no nearest tokens')
    .option('--coordinates', 'write the coordinates', false)
    .option('--no-duals', 'write no duals, which are ready for steering')
    .addOption(
      new Option('--format <format>', 'of coordinates and duals (default: safetensors)').choices(
        vectorFormats,
      ),
    )
    .option('--neuronpedia <dir>', "write that site's fields of every vector there")
    .addOption(normModelOption())
    .addOption(normRuleOption())
    .option('--overwrite', 'replace the projection of this name', false)
    .option(
      '--resume',
      'keep the projection of this name where it is the same and intact, and what is done of an unfinished one',
      false,
    )
    .addOption(workersOption())
    .option('--json', 'print the record as JSON on stdout', false)
    .option('--quiet', 'no progress', false)
    .addHelpText(
      'after',
      exampleText(
        'project runs/mine decoder.safetensors --kind hidden --space normed',
        'project runs/mine concepts.npy --kind token --space normed --top 5',
      ),
    )
    .action(project);
}

interface ProjectOptions {
  kind?: VectorKind;
  space?: VectorSpace;
  tensor?: string;
  rows?: { from: number; to: number | null };
  transpose?: boolean;
  name?: string;
  top: number;
  tokens: boolean;
  coordinates: boolean;
  duals: boolean;
  format?: VectorFormat;
  neuronpedia?: string;
  model?: string;
  normRule?: NormRule;
  overwrite: boolean;
  resume: boolean;
  workers?: number;
  json: boolean;
  quiet: boolean;
}

async function project(
  directory: string,
  file: string,
  options: ProjectOptions,
  command: Command,
): Promise<void> {
  const { json, quiet, tokens, top, kind, ...rest } = options;
  if (!tokens)
    refuseIdle(
      command,
      ['top'],
      (flag) =>
        `${flag} says how many of the nearest tokens are listed, and --no-tokens finds none: give one`,
    );
  const onProgress = showProgress(process.stderr, quiet);
  const { projectVectors } = await import('../run/project-vectors.js');
  const projected = await interruptible((signal) =>
    // Without a kind it says which there are.
    projectVectors(directory, file, {
      ...rest,
      kind: kind as VectorKind,
      top: tokens ? top : 0,
      signal,
      onProgress,
    }),
  );
  print(
    json
      ? answerJson({ directory: projected.directory, isNew: projected.isNew, ...projected.manifest })
      : screenText(projectedText(projected)),
  );
}
