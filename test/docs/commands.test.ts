import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import test from 'ava';
import type { Command } from 'commander';
import { createProgram, parseCommandLine } from '../../src/cli.js';
import { calls, commandLines, wordsOf } from '../helpers/command-lines.js';
import { codeSpans, documentNamed, documents, root } from '../helpers/documents.js';

/** A command and those below it. */
function withSubcommands(command: Command): Command[] {
  return [command, ...command.commands.flatMap(withSubcommands)];
}

/** The program, which takes its arguments apart and checks them, and does nothing. */
async function inertProgram(): Promise<Command> {
  const program = await createProgram();
  for (const command of withSubcommands(program)) {
    command.configureOutput({ writeOut: () => {}, writeErr: () => {} });
    if (command.commands.length === 0) command.action(() => {});
  }
  return program;
}

/** The options of a command, as `--workers`, without those that its help keeps back. */
function optionsOf(command: Command): string[] {
  return command.options.filter(({ hidden }) => !hidden).flatMap(({ long }) => long ?? []);
}

test('every call of the command line that a document shows is understood', async (t) => {
  t.true(calls.length > 30, `${calls.length} calls are found`);
  for (const { document, args } of calls)
    await t.notThrowsAsync(parseCommandLine(await inertProgram(), args), `${document}: ${args.join(' ')}`);
});

test('a call with another command, option, choice or number is not understood', async (t) => {
  for (const args of [
    ['verfy', 'runs/mine'],
    ['--modle', 'path/to/checkpoint'],
    ['--format', 'csv'],
    ['cache', 'lst'],
    ['top', 'runs/mine', '--eigenvector', 'first'],
  ])
    await t.throwsAsync(parseCommandLine(await inertProgram(), args), undefined, args.join(' '));
});

test('every help fits 80 columns and ends with examples, which are understood', async (t) => {
  for (const command of withSubcommands(await createProgram())) {
    let help = '';
    command.configureOutput({ writeOut: (text) => (help += text), getOutHelpWidth: () => 80 });
    command.outputHelp();
    t.deepEqual(
      help.split('\n').filter((line) => line.length > 80),
      [],
      command.name(),
    );
    t.notRegex(help, /default: (?:false|\{\})/, command.name());
    const [, examples] = help.split(/\nExamples?:\n/);
    const shown = examples?.trim().split('\n') ?? [];
    t.true(shown.length > 0, `${command.name()} has an example`);
    for (const line of shown) {
      const [program, ...args] = wordsOf(line);
      t.is(program, 'eigenshard');
      await t.notThrowsAsync(parseCommandLine(await inertProgram(), args), line);
    }
  }
});

test('the table of options in docs/running.md has every option of run, and no other', async (t) => {
  const [, section = ''] = documentNamed('docs/running.md').text.split('## Options of `run`\n');
  const [table = ''] = section.split('\n## ');
  const named = [...table.matchAll(/^\| `(--[\w-]+)/gm)].map(([, option]) => option);
  const run = withSubcommands(await createProgram()).find((command) => command.name() === 'run')!;
  t.deepEqual(named.toSorted(), optionsOf(run).toSorted());
});

test('every option of every command is named in a document', async (t) => {
  const text = documents.map((document) => document.text).join('\n');
  const options = withSubcommands(await createProgram()).flatMap((command) =>
    optionsOf(command).map((option) => `${command.name()} ${option}`),
  );
  const missing = options.filter((option) => !new RegExp(`${option.split(' ')[1]}\\b`).test(text));
  t.deepEqual(missing, []);
});

test('every option that a document names exists', async (t) => {
  const known = new Set(withSubcommands(await createProgram()).flatMap(optionsOf)).add('--help');
  // These also speak of the options of npm, of the benchmarks and of schedulers.
  const others = ['CONTRIBUTING.md', 'docs/dependencies.md', 'docs/many-machines.md'];
  const unknown = documents
    .filter(({ name }) => !others.includes(name))
    .flatMap((document) => codeSpans(document).map((span) => ({ document: document.name, span })))
    .filter(({ span }) => !known.has(/^--[a-z][\w-]*/.exec(span)?.[0] ?? '--help'));
  t.deepEqual(unknown, []);
});

test('every script that a document starts exists', (t) => {
  const { scripts } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
  for (const { document, words } of commandLines) {
    const [program, verb, name = ''] = words;
    if (program === 'npm' && verb === 'run') t.true(name in scripts, `${document}: npm run ${name}`);
    if (program === 'npm' && verb === 'test') t.true('test' in scripts);
    if (program === 'node' && verb?.endsWith('.js'))
      t.true(existsSync(path.join(root, verb)), `${document}: node ${verb}`);
  }
});
