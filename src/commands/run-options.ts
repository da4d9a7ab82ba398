import { fileURLToPath } from 'node:url';
import { type Command, Option } from 'commander';
import { headRowChoices } from '../input/head-rows.js';
import { matrixSides } from '../input/matrix/matrix-side.js';
import { foldNormChoices } from '../input/norm/choose-fold.js';
import { normRules } from '../input/norm/norm-rules.js';
import { backendNames } from '../linalg/backend/backend.js';
import { partitionFormats } from '../plan/plan-run.js';
import { rowSelections } from '../plan/row-selection.js';
import { secondMoments } from '../plan/second-moment.js';
import { WEIGHTING_FORMS } from '../plan/weighting.js';
import { type Config, configDefaults, DEFAULT_RIDGE, tableChoices } from '../run/config.js';
import { refuseIdle } from './idle-options.js';
import { exportList, ridge, weighting, wholeNumber, workersOption } from './options.js';

/** Configuration of a run of which nothing is said. */
export const PACKAGED_CONFIG = fileURLToPath(new URL('../../../config/default.json', import.meta.url));

/** Refuses what says how tables are to be where a run is to have none. @throws InputError */
export function refuseIdleTables(
  command: Command,
  { tables, report }: Pick<Config, 'tables' | 'report'>,
): void {
  if (tables !== 'none') return;
  refuseIdle(
    command,
    ['top', ...(report ? ['report'] : [])],
    (flag) =>
      `${flag} is for tables and their report, and --tables none asks for none: leave one of the two away`,
  );
}

/** Adds the options of what a run is made from and writes, and of what computes it. */
export function addRunOptions(command: Command): Command {
  return (
    command
      .optionsGroup('Input:')
      .option('--config <file>', 'configuration file; without it and --model, the packaged synthetic example')
      .option(
        '--model <model>',
        'Hugging Face directory, .safetensors, .bin (torch.save) or .npy file, or owner/name[@revision] on the hub',
      )
      .option('--name <name>', 'of the model, in all files (default: that of the checkpoint)')
      .option('--tensor <name>', 'tensor to use, where the right one is not found by itself')
      .addOption(
        new Option(
          '--side <side>',
          `of the model: its unembedding or its input embedding (default: ${configDefaults.side})`,
        ).choices(matrixSides),
      )
      .addOption(
        new Option('--rows <rows>', `of the tensor (default: ${configDefaults.rows})`).choices(rowSelections),
      )
      .addOption(
        new Option(
          '--head-rows <rows>',
          'of a head that the model normalises (default: normalised where it does)',
        ).choices(headRowChoices),
      )
      .addOption(
        new Option(
          '--fold-norm <choice>',
          `fold the final norm into the rows (default: ${configDefaults.foldNorm})`,
        ).choices(foldNormChoices),
      )
      .addOption(
        new Option(
          '--norm-rule <rule>',
          'what that norm is, where the architecture is not known: RMSNorm or LayerNorm, by w or by (1 + w)',
        ).choices(normRules),
      )
      .optionsGroup('Metric:')
      .option('--metric <file>', 'metric M (.pt, .safetensors, .npy); without it M is computed')
      .option(
        '--ridge <x>',
        `ridge rho of a computed metric, or relative=X: X times the mean variance (default: ${DEFAULT_RIDGE})`,
        ridge,
      )
      .option(
        '--weights <how>',
        `of the rows: ${WEIGHTING_FORMS} (default: ${configDefaults.weights})`,
        weighting,
      )
      .addOption(
        new Option(
          '--second-moment <kind>',
          `that the metric is the inverse of: C, or C + mu mu^T (default: ${configDefaults.secondMoment})`,
        ).choices(secondMoments),
      )
      .optionsGroup('Output:')
      .option('--out <dir>', 'output directory (default: runs/<name of the model>)')
      .addOption(
        new Option('--format <format>', `of the partitions (default: ${configDefaults.format})`).choices(
          partitionFormats,
        ),
      )
      .option('--export <list>', 'also write pt, safetensors and/or npy, separated by commas', exportList)
      .option(
        '--partition-rows <n>',
        `rows a partition (default: ${configDefaults.partitionRows})`,
        wholeNumber,
      )
      .addOption(
        new Option(
          '--tables <tables>',
          `of tokens, eigenvectors, extremes, histograms (default: ${configDefaults.tables})`,
        ).choices(tableChoices),
      )
      .option('--top <k>', `tokens in each list of extremes (default: ${configDefaults.top})`, wholeNumber)
      // Named too, so that a configuration's own choice stands where the command line is silent.
      .addOption(new Option('--report', 'write report.html beside the tables (the default)').hideHelp())
      .option('--no-report', 'write no report.html')
      .optionsGroup('Computation:')
      .addOption(workersOption())
      .addOption(
        new Option(
          '--backend <backend>',
          `what multiplies and decomposes (default: ${configDefaults.backend})`,
        ).choices(backendNames),
      )
      .option('--blas <path>', 'system BLAS and LAPACK to use, where the right one is not found by itself')
  );
}
