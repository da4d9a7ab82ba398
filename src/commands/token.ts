import type { Command } from 'commander';
import { answerJson, screenText } from './answer-text.js';
import { exampleText } from './examples.js';
import { print } from './print.js';
import { tokenText } from './token-text.js';

/** Adds `token`. */
export function addTokenCommand(program: Command): void {
  program
    .command('token')
    .description('show a token: its norms among all, its strongest directions, its duplicates')
    .argument('<run>', 'output directory of the run')
    .argument('<token>', 'its id, or a text, of which all spellings are found')
    .option('--text', 'take digits for a text, not for an id', false)
    .option('--json', 'print a JSON array of the tokens', false)
    .addHelpText('after', exampleText('token runs/mine 1234', 'token runs/mine king --json'))
    .action(token);
}

async function token(
  directory: string,
  asked: string,
  { text, json }: { text: boolean; json: boolean },
): Promise<void> {
  const [{ openRun }, { tokenFacts }] = await Promise.all([
    import('../output/open-run.js'),
    import('../queries/token.js'),
  ]);
  const isId = !text && /^\d+$/.test(asked);
  const found = await tokenFacts(await openRun(directory), isId ? Number(asked) : asked);
  print(json ? answerJson(found) : screenText(found.map(tokenText).join('\n\n')));
}
