import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test from 'ava';
import { InputError } from '../../src/errors.js';
import { exportRun } from '../../src/run/export-run.js';
import { nearestToVectors } from '../../src/run/nearest-to-vectors.js';
import { projectVectors } from '../../src/run/project-vectors.js';
import { answer } from '../helpers/answers.js';
import { npy } from '../helpers/fixtures.js';
import { randomFloat32 } from '../helpers/random.js';
import { runHere } from '../helpers/runs.js';

const [ROWS, HIDDEN] = [60, 8];
const scratch = mkdtempSync(path.join(tmpdir(), 'eigenshard-test-'));
const at = (...names: string[]) => path.join(scratch, ...names);
const [run, vectors, projected] = [
  at('batch', 'run'),
  at('vectors.npy'),
  at('batch', 'run', 'projected', 'some'),
];

test.before(async () => {
  for (const [name, rows] of [
    ['model.npy', ROWS],
    ['vectors.npy', 5],
  ] as const)
    writeFileSync(
      at(name),
      npy('<f4', [rows, HIDDEN], new Uint8Array(randomFloat32(rows * HIDDEN, rows).buffer)),
    );
  mkdirSync(at('batch'));
  await runHere({ model: at('model.npy'), out: run, report: false });
  await projectVectors(run, vectors, { kind: 'hidden', space: 'normed', name: 'some', top: 0, workers: 1 });
  writeFileSync(
    at('made-up.json'),
    JSON.stringify({ synthetic: { rows: ROWS, hidden: HIDDEN, directory: at('made-up') } }),
  );
});
test.after.always(() => rmSync(scratch, { recursive: true, force: true }));

/** Calls of which an option would have no effect, and what is said of it. */
const calls = (): [string[], RegExp][] => {
  const project = ['project', run, vectors, '--kind', 'hidden', '--space', 'normed', '--name', 'other'];
  const nearest = ['neighbours', run, '--vectors', vectors, '--kind', 'hidden', '--space', 'normed'];
  const madeUp = ['run', '--config', at('made-up.json'), '--out', at('out')];
  const given = ['--model', at('model.npy'), '--out', at('out')];
  return [
    [
      ['inspect', run, '--tensor', 'x'],
      /run: holds a finished run; --tensor chooses a matrix of a checkpoint: leave it/,
    ],
    [['inspect', at('batch'), '--side', 'input'], /batch: holds runs of a batch; --side chooses/],
    [['inspect', projected, '--side', 'output'], /some: holds projected vectors; --side chooses/],
    [
      ['verify', projected, '--exact'],
      /some: holds projected vectors, .*; --exact is for the verification of a run/,
    ],
    [['verify', projected, '--model', 'x'], /--model is for the verification of a run/],
    [['verify', at('batch'), '--metric', 'x'], /is a folder of runs, .*; leave --metric away/],
    [
      ['export', run, '--export', 'npy', '--model', 'x'],
      /--model says where the checkpoint is that tables are made of/,
    ],
    [
      [...project, '--model', 'x'],
      /--model says something of the final norm, .* since the vectors lie behind it/,
    ],
    [[...project, '--norm-rule', 'rms'], /--norm-rule says something of the final norm/],
    [
      [...project, '--no-tokens', '--top', '3'],
      /--top says how many .*, and --no-tokens finds none: give one/,
    ],
    [[...project, '--no-duals', '--format', 'npy'], /--format says how .*, and neither is asked for/],
    [[...nearest, '--model', 'x'], /--model says something of the final norm/],
    [
      [...nearest, '--overwrite'],
      /--overwrite is for the neighbours of all tokens: leave --overwrite or --vectors away/,
    ],
    [[...nearest, '--text'], /--text says what --token names/],
    [['neighbours', run, '--token', '1', '--of', '2'], /--of is for the neighbours of all tokens/],
    [['neighbours', run, '--token', '1', '--no-transpose'], /--no-transpose says something of vectors/],
    [['neighbours', run, '--text'], /--text says what --token names: give --token/],
    [
      [...madeUp, '--tensor', 'x'],
      /a made-up checkpoint has one matrix alone, .*: leave --tensor away, or .* with --model/,
    ],
    [[...madeUp, '--head-rows', 'stored'], /leave --head-rows away/],
    [
      ['run', ...given, '--tables', 'none', '--top', '3'],
      /--top is for tables .*, and --tables none asks for none/,
    ],
    [['plan', ...given, '--tables', 'none', '--report'], /--report is for tables/],
  ];
};

test('an option that does nothing where it stands is refused by name, with what it is for', async (t) => {
  for (const [args, message] of calls()) {
    const { code, stdout, stderr } = await answer(...args);
    t.is(code, 2, args.join(' '));
    t.regex(stderr, message);
    t.is(stdout, '');
  }
});

test('the library refuses what would do nothing, as the command line does', async (t) => {
  const hidden = { kind: 'hidden', space: 'normed', workers: 1 } as const;
  for (const [call, message] of [
    [
      () => projectVectors(run, vectors, { ...hidden, name: 'o', normRule: 'layer' }),
      /--norm-rule says something/,
    ],
    [
      () => projectVectors(run, vectors, { ...hidden, name: 'o', duals: false, format: 'npy' }),
      /--format says how/,
    ],
    [
      () => nearestToVectors(run, vectors, { ...hidden, model: 'x' }),
      /--model says something of the final norm/,
    ],
    [() => exportRun(run, { exports: ['npy'], model: 'x' }), /--model says where the checkpoint is/],
  ] as const)
    await t.throwsAsync(call, { instanceOf: InputError, message });
});

test('what has an effect, or is only a limit or the default, is taken', async (t) => {
  for (const args of [
    ['inspect', at('model.npy'), '--side', 'output'],
    ['verify', projected, '--workers', '1', '--quiet'],
    [
      'neighbours',
      run,
      '--ids',
      vectors.replace('vectors.npy', 'ids.txt'),
      '-k',
      '2',
      '--workers',
      '1',
      '--quiet',
    ],
    ['token', run, '3', '--json'],
  ]) {
    writeFileSync(at('ids.txt'), '1 2');
    const { code, stderr } = await answer(...args);
    t.is(code, 0, `${args.join(' ')}: ${stderr}`);
  }
});
