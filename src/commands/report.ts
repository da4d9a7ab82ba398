import type { Command } from 'commander';
import { exampleText } from './examples.js';
import { print } from './print.js';

/** Adds `report`. */
export function addReportCommand(program: Command): void {
  program
    .command('report')
    .description('make report.html of a finished run again, from its tables')
    .argument('<run>', 'output directory of the run')
    .addHelpText('after', exampleText('report runs/mine'))
    .action(report);
}

async function report(directory: string): Promise<void> {
  const { renewReport } = await import('../report/renew-report.js');
  // Not on stdout, where the report's path is.
  print(await renewReport(directory, (line) => void process.stderr.write(`${line}\n`)));
}
