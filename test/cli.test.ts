import { execFile, spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import test, { type ExecutionContext } from 'ava';
import { answer } from './helpers/answers.js';
import { eigenshard, start } from './helpers/cli.js';
import { float32Bytes, npy, safetensors, scratchDirectory, scratchFile, zip } from './helpers/fixtures.js';
import { dataFiles, readProjections, runHere, shardedModel } from './helpers/runs.js';
import { systemKernelsTest } from './helpers/system-libraries.js';
import { testUnless } from './helpers/test-unless.js';

test('--help names every command, and every option of run with its default', async (t) => {
  const program = await answer('--help');
  t.is(program.code, 0);
  for (const command of [
    'run',
    'batch',
    'verify',
    'inspect',
    'report',
    'top',
    'concepts',
    'undertrained',
    'sql',
    'generate',
    'cache',
    'doctor',
  ])
    t.regex(program.stdout, new RegExp(`^  ${command} `, 'm'));
  const run = await answer('run', '--help');
  t.is(run.code, 0);
  for (const option of [
    '--config <file>',
    '--model <model>',
    '--rows <rows>',
    '--metric <file>',
    '--workers <n>',
    '--out <dir>',
    '--format <format>',
    '--export <list>',
    '--partition-rows <n>',
    '--ridge <x>',
    '--backend <backend>',
    '--blas <path>',
    '--no-report',
    '--resume',
    '--overwrite',
    '--json',
    '--quiet',
  ]) {
    t.true(run.stdout.includes(option), option);
  }
  t.regex(run.stdout, /default: 6144/);
  t.regex(run.stdout, /default: parquet/);
});

test('--json prints one JSON object on stdout and nothing else there', async (t) => {
  const model = shardedModel(t, 120, 16).directory;
  const out = scratchDirectory(t);
  const { code, stdout, stderr } = await eigenshard(
    '--model',
    model,
    '--out',
    out,
    '--json',
    '--workers',
    '1',
  );
  t.is(code, 0, stderr);
  const result = JSON.parse(stdout);
  t.is(result.directory, out);
  t.deepEqual(result.projections.shape, [120, 16]);
  t.true(result.verification.passed);
  t.true(result.execution.peakMemoryBytes > 0);
  t.true(result.execution.seconds.projection >= 0);
  t.regex(stderr, /projection: .* rows\/s/);
});

test('inspect shows a finished run in a screen of text', async (t) => {
  const model = shardedModel(t, 120, 16).directory;
  const out = scratchDirectory(t);
  await runHere({ model, out, export: ['pt'] });
  const { code, stdout } = await answer('inspect', out);
  t.is(code, 0);
  t.true(stdout.split('\n').length <= 63);
  for (const text of ['120 tokens x 16', 'fingerprint', 'Verification: passed', 'eigenbasis.pt', 'ridge']) {
    t.true(stdout.includes(text), text);
  }
});

test('inspect shows of a checkpoint what a run would take, without computing', async (t) => {
  const model = shardedModel(t, 120, 16).directory;
  writeFileSync(path.join(model, 'tokenizer.json'), JSON.stringify({ model: { vocab: { a: 0, b: 99 } } }));
  const { code, stdout, stderr } = await answer('inspect', model);
  t.is(code, 0, stderr);
  for (const text of [
    'type test, embeddings tied: no',
    'tensor lm_head.weight, 120 x 16 bfloat16, 3.84 kB',
    'why: rule 1 of',
    'model-00002-of-00002.safetensors',
    'model.embed_tokens.weight, 3 x 16 BF16',
    'tokenizer: 100 tokens, 0 of them special; orphans, rows without a token: 118',
  ]) {
    t.true(stdout.includes(text), text);
  }
  const json = await answer('inspect', model, '--json', '--tensor', 'model.embed_tokens.weight');
  t.is(JSON.parse(json.stdout).source.rows, 3);
  const other = await answer('inspect', model, '--tensor', 'none');
  t.is(other.code, 2);
  t.regex(other.stderr, /no tensor none; name one with --tensor/);
});

test('generate makes a checkpoint that a run reads, and finds it again', async (t) => {
  const out = path.join(scratchDirectory(t), 'synthetic');
  const command = ['generate', '--rows', '600', '--hidden', '24', '--seed', '3', '--out', out, '--quiet'];
  t.is((await eigenshard(...command)).code, 0);
  const again = await eigenshard(...command);
  t.is(again.code, 0);
  t.regex(again.stdout, /holds this checkpoint already/);
  const { manifest } = await runHere({ model: out, out: scratchDirectory(t) });
  t.deepEqual(manifest.projections.shape, [600, 24]);
  const other = await eigenshard(...command.with(6, '4'));
  t.is(other.code, 2);
  t.regex(other.stderr, /holds other weights/);
  for (const names of [['notes.txt'], ['config.json'], ['manifest.json', 'tokens.parquet']]) {
    const taken = scratchDirectory(t);
    for (const name of names) writeFileSync(path.join(taken, name), '{}');
    const refused = await eigenshard(...command.with(8, taken));
    t.is(refused.code, 2);
    t.true(refused.stderr.includes(`${taken}: holds other files (${names.join(', ')})`), refused.stderr);
    t.deepEqual(readdirSync(taken), names);
  }
});

test('a configuration file runs, and the command line beats it', async (t) => {
  const model = shardedModel(t, 120, 16).directory;
  const directory = scratchDirectory(t);
  const config = path.join(directory, 'run.json');
  const exports = {
    pt: { eigenbasis: path.join(directory, 'a/basis.pt'), projections: path.join(directory, 'b/p.pt') },
  };
  writeFileSync(
    config,
    JSON.stringify({ model, out: path.join(directory, 'out'), workers: 1, partitionRows: 50, exports }),
  );
  const { code, stdout, stderr } = await eigenshard(
    '--config',
    config,
    '--partition-rows',
    '60',
    '--json',
    '--quiet',
  );
  t.is(code, 0, stderr);
  t.is(JSON.parse(stdout).options.partitionRows, 60);
  t.true(existsSync(exports.pt.eigenbasis));
  t.true(existsSync(exports.pt.projections));
});

/** Bad input: what the message must say, with exit code 2 and no manifest. */
async function refuses(t: ExecutionContext, args: readonly string[], message: RegExp): Promise<void> {
  const out = path.join(scratchDirectory(t), 'out');
  const { code, stdout, stderr } = await answer(...args, '--out', out, '--quiet', '--workers', '1');
  t.is(code, 2, `${args.join(' ')}: ${stderr}`);
  t.regex(stderr, message);
  t.false(stderr.includes('    at '), 'a message, not a stack');
  t.is(stdout, '');
  t.false(existsSync(path.join(out, 'manifest.json')));
  if (!existsSync(out)) return;
  t.deepEqual(
    [...dataFiles(out).keys()].filter((name) => name.startsWith('projections')),
    [],
  );
}

function bareModel(t: ExecutionContext, edit: (values: Float32Array) => void): string {
  const values = Float32Array.from({ length: 50 * 8 }, (_, k) => Math.sin(k * k));
  edit(values);
  const file = path.join(scratchDirectory(t), 'weights.npy');
  writeFileSync(file, npy('<f4', [50, 8], new Uint8Array(values.buffer)));
  return file;
}

function metricFile(t: ExecutionContext, values: number[], size: number): string {
  const file = path.join(scratchDirectory(t), 'metric.npy');
  writeFileSync(file, npy('<f4', [size, size], float32Bytes(values)));
  return file;
}

const identity = (size: number) =>
  Array.from<unknown, number>({ length: size * size }, (_, k) => (k % (size + 1) === 0 ? 1 : 0));

test('a missing checkpoint, metric or configuration is named', async (t) => {
  await refuses(
    t,
    ['--model', '/nowhere/model'],
    /\/nowhere\/model: cannot read the checkpoint: there is no such file/,
  );
  const model = bareModel(t, () => {});
  await refuses(
    t,
    ['--model', model, '--metric', '/nowhere/m.pt'],
    /\/nowhere\/m.pt: cannot read the metric/,
  );
  await refuses(t, ['--config', '/nowhere/c.json'], /\/nowhere\/c.json: cannot read the configuration/);
});

test('wrong arguments are refused with what is allowed', async (t) => {
  const model = bareModel(t, () => {});
  await refuses(t, ['--model', model, '--partition-rows', '0'], /--partition-rows.*It must be 1 or more/);
  await refuses(t, ['--model', model, '--export', 'csv'], /--export.*Allowed are pt, safetensors, npy/);
  await refuses(t, ['--model', model, '--format', 'csv'], /Allowed choices are parquet, arrow, both/);
  await refuses(t, ['--model', model, '--resume', '--overwrite'], /exclude each other/);
  await refuses(t, ['--model', model, '--frobnicate'], /unknown option/);
  const { code, stderr } = await answer('--model', model, '--workers', '0');
  t.is(code, 2);
  t.regex(stderr, /--workers.*It must be 1 or more/);
});

const commands =
  'run, batch, verify, inspect, export, report, top, token, project, concepts, undertrained, compare, series, sql, neighbours, generate, cache, plan, step, status, submit, doctor';

for (const [args, message] of [
  [['frobnicate'], `unknown command 'frobnicate'\nThe commands of eigenshard are ${commands}.`],
  [
    ['verfy', 'x'],
    `unknown command 'verfy'\n(Did you mean verify?)\nThe commands of eigenshard are ${commands}.`,
  ],
  [['Report', 'x', '--json'], "unknown command 'Report'\n(Did you mean report?)"],
  [['isnpect', '--help'], "unknown command 'isnpect'\n(Did you mean inspect?)"],
  [['help', 'bacth'], "unknown command 'bacth'\n(Did you mean batch?)"],
  [['cache', 'lst'], "unknown command 'lst'\n(Did you mean list?)\nThe commands of cache are list, prune."],
  [['--modle', 'x'], "unknown option '--modle'\n(Did you mean --model?)"],
  [['run', '--partition-row', '5'], "unknown option '--partition-row'\n(Did you mean --partition-rows?)"],
  [['--verison'], "unknown option '--verison'\n(Did you mean --version?)"],
  [['verify', 'x', '--worker', '2'], "unknown option '--worker'\n(Did you mean --workers?)"],
  [['top', 'x', '--eigenvetcor', '2'], "unknown option '--eigenvetcor'\n(Did you mean --eigenvector?)"],
  [['sql', 'x', 'SELECT 1', '--jsno'], "unknown option '--jsno'\n(Did you mean --json?)"],
  [['generate', '--row', '2'], "unknown option '--row'\n(Did you mean --rows?)"],
  [['top', 'x'], "required option '-e, --eigenvector <index>' not specified"],
  [['top', 'x', '-i', '3'], "unknown option '-i'"],
  [['generate', '--rows', '2', '--out', 'x'], "required option '--hidden <n>' not specified"],
] as const) {
  test(`"${args.join(' ')}" is told what may be meant`, async (t) => {
    const { code, stdout, stderr } = await answer(...args);
    t.is(code, 2);
    t.is(stdout, '');
    t.true(stderr.startsWith(`error: ${message}\n`), stderr);
  });
}

for (const [args, lines] of [
  [
    ['inspect', '--metrik', 'x'],
    [
      "unknown option '--metrik'",
      '--metric is an option of run, verify, plan, not of inspect.',
      '"eigenshard inspect --help"',
    ],
  ],
  [
    ['inspect', '--foo'],
    ["unknown option '--foo'", '"eigenshard inspect --help" lists'],
  ],
  [
    ['cache', 'prune', '--older'],
    ["unknown option '--older'", '(Did you mean --older-than?)', '"eigenshard cache prune --help"'],
  ],
  [
    ['-k', '5'],
    ["unknown option '-k'", '-k is an option of top, ', '"eigenshard run --help"'],
  ],
  [
    ['--metric'],
    [
      "option '--metric <file>' argument missing",
      '--metric <file>: metric M (.pt,',
      '"eigenshard run --help"',
    ],
  ],
  [
    ['--model', '--out', 'x'],
    ["option '--model <model>' argument missing: --out is an option itself", '--model <model>: '],
  ],
  [
    ['--model', ''],
    ["option '--model <model>' argument is empty", '--model <model>: '],
  ],
  [
    ['--model', 'x', 'y'],
    ["unexpected argument 'y'", 'Expected are options alone: --model PATH'],
  ],
  [
    ['verify', 'x', 'y'],
    ["unexpected argument 'y'", 'Expected are <run> and options.'],
  ],
  [
    ['verify', ''],
    ["argument 'run' is empty", '<run>: output directory'],
  ],
  [['verify'], ["missing required argument 'run'", '<run>: output directory']],
  [
    ['top', 'x'],
    ["required option '-e, --eigenvector <index>' not specified", '-e, --eigenvector <index>: its index'],
  ],
  [
    ['top', 'x', '-e', 'abc'],
    ["option '-e, --eigenvector <index>' argument 'abc' is invalid. It must be a whole number: 0, 1"],
  ],
] as [string[], string[]][]) {
  test(`"${args.join(' ')}" is told what next`, async (t) => {
    const { code, stdout, stderr } = await answer(...args);
    t.is(code, 2);
    t.is(stdout, '');
    t.regex(stderr, /\n"eigenshard .* --help" lists what \w+ takes\.\n$/);
    for (const [k, line] of lines.entries())
      t.true(stderr.split('\n')[k]!.startsWith(`${k === 0 ? 'error: ' : ''}${line}`), stderr);
  });
}

test('what lies near a run, a checkpoint or a configuration is told from it', async (t) => {
  const folder = scratchDirectory(t);
  const { directory: model } = shardedModel(t, 30, 4);
  const out = path.join(folder, 'a');
  await runHere({ model, out, tables: 'none' });
  const manifest = path.join(out, 'manifest.json');
  const config = path.join(model, 'config.json');
  for (const [args, message] of [
    [['inspect', manifest], `manifest\\.json: is a part of the run in ${out}; give that directory`],
    [['inspect', path.join(out, 'projections')], `projections: is a part of the run in ${out}; give that`],
    [['inspect', config], `config\\.json: is a part of a checkpoint; give its directory, ${model}`],
    [['--model', config, '--out', path.join(folder, 'b')], `is a part of a checkpoint; give its directory`],
    [['--config', manifest], 'is the manifest of a run, not a configuration; `inspect` shows'],
    [
      ['--config', config],
      'is the configuration of a checkpoint, not of a run; give its directory by --model',
    ],
    [
      ['--model', model, '--out', path.join(out, 'projections')],
      `lies among the partitions of the run in ${out}`,
    ],
    [
      ['--model', model, '--out', path.join(out, 'projections/parquet/c')],
      'lies among the partitions of the run',
    ],
    [
      ['--model', model, '--checksums'],
      '--checksums compares .* --resume .*: give both, or `verify` the run',
    ],
    [['export', out], `ask for something to be added: --export pt,safetensors,npy, --tables all or --top K`],
    [['sql', 'SELECT 1'], 'expected the output directory of a run before the query: eigenshard sql RUN'],
    [['sql', out, 'SELECT * FROM projections WHERE token_id = "a"'], "a text stands in single ones: 'a'"],
  ] as const) {
    const { code, stderr } = await answer(...args);
    t.is(code, 2, stderr);
    t.regex(stderr, new RegExp(message), args.join(' '));
  }
  t.is((await answer('verify', out, '--quiet')).code, 0);
  t.regex(
    (await answer('run', model)).stderr,
    /^error: unexpected argument .*\n.* is a checkpoint: eigenshard --model/,
  );
  t.regex((await answer('sql', out, 'SELECT', '1')).stderr, /Put the query into quotation marks/);
  t.regex((await answer('version')).stderr, /eigenshard --version prints the version/);
});

test('a path in the place of a command is told the command that takes it', async (t) => {
  const folder = scratchDirectory(t);
  const { directory: model } = shardedModel(t, 30, 4);
  const out = path.join(folder, 'runs', 'a');
  await runHere({ model, out, tables: 'none' });
  const file = (name: string, text: string) => {
    writeFileSync(path.join(folder, name), text);
    return path.join(folder, name);
  };
  const one = file('one.json', '{"model": "x"}');
  const many = file('many.json', '{"runs": []}');
  const weights = file('w.safetensors', '');
  for (const [word, next] of [
    [model, `is a checkpoint: eigenshard --model ${model} computes`],
    [path.join(model, 'config.json'), `is a checkpoint: eigenshard --model ${model} computes`],
    [
      weights,
      `may be a checkpoint, eigenshard --model ${weights}, or the metric of one, --metric ${weights}`,
    ],
    [out, `is the output directory of a run: eigenshard inspect ${out} shows it, verify checks it, top, sql`],
    [path.join(out, 'manifest.json'), `${out} is the output directory of a run`],
    [path.join(out, 'projections'), `${out} is the output directory of a run`],
    [path.join(folder, 'runs'), 'is a folder of runs: eigenshard inspect'],
    [one, `may configure a run: eigenshard --config ${one}`],
    [many, `configures a batch: eigenshard batch ${many} --dry-run`],
    [file('q.sql', 'SELECT 1'), 'may be a query: eigenshard sql RUN --file'],
    [file('a.txt', ''), 'is a file, which no command takes by itself'],
    [scratchDirectory(t), 'is a directory, of neither a checkpoint nor a run'],
    ['owner/name', 'is given as eigenshard --model owner/name'],
  ] as const) {
    const { code, stderr } = await answer(word);
    t.is(code, 2);
    t.true(stderr.startsWith(`error: unknown command '${word}'\n`), stderr);
    t.true(stderr.includes(next), stderr);
  }
});

test('a checkpoint, or a part of a run, in the place of a run is told for what it is', async (t) => {
  const { directory: model } = shardedModel(t, 30, 4);
  const out = path.join(scratchDirectory(t), 'a');
  await runHere({ model, out, tables: 'none' });
  const weights = path.join(model, 'model-00001-of-00002.safetensors');
  for (const [command, ...rest] of [
    ['verify'],
    ['top', '-e', '0'],
    ['sql', 'SELECT 1'],
    ['report'],
    ['export', '--export', 'npy'],
  ]) {
    for (const [place, next] of [
      [
        model,
        `: is no finished run but a checkpoint: \`eigenshard inspect ${model}\` shows .*\`eigenshard --model ${model}\``,
      ],
      [weights, `: is no finished run but a file of weights or a metric: \`eigenshard inspect ${weights}\``],
      [path.join(out, 'manifest.json'), `: is a part of the run in ${out}; give that directory`],
      [path.join(out, 'projections'), `: is a part of the run in ${out}; give that directory`],
    ] as const) {
      const { code, stderr } = await answer(command!, place, ...rest);
      t.is(code, 2);
      t.regex(stderr, new RegExp(`^eigenshard: ${place}${next}`));
    }
  }
});

test('an option in the place of a command is one of run', async (t) => {
  for (const command of [[], ['run']]) {
    const { code, stderr } = await answer(...command, '--resume', '--overwrite');
    t.is(code, 2);
    t.is(stderr, 'eigenshard: --resume and --overwrite exclude each other: give one\n');
  }
  t.regex((await answer('--version')).stdout, /^\d+\.\d+\.\d+\n$/);
  t.is((await answer('help', 'cache', 'list')).stdout, (await answer('cache', 'list', '--help')).stdout);
});

test('a path that is not there, and reads like a model of the hub, is told to be neither', async (t) => {
  const { code, stderr } = await start(['inspect', 'runs/mistyped'], { HF_HUB_OFFLINE: '1' }).ended;
  t.is(code, 2);
  t.regex(
    stderr,
    /^eigenshard: runs\/mistyped: there is no such file or directory, and as a model of the hub: /,
  );
});

test('nothing is said to be kept where nothing was begun', async (t) => {
  const out = path.join(scratchDirectory(t), 'out');
  // Nobody listens on that port.
  const { code, stderr } = await start(['--model', 'owner/name', '--out', out, '--quiet'], {
    HF_ENDPOINT: 'http://127.0.0.1:9',
    HF_HOME: scratchDirectory(t),
    HF_HUB_OFFLINE: '0',
  }).ended;
  t.is(code, 1, stderr);
  t.notRegex(stderr, /--resume|kept/);
});

test('a run that is not there, or is a file, is told from one that is not finished', async (t) => {
  const directory = scratchDirectory(t);
  const [missing, file, beyond] = ['missing', 'file', 'file/run'].map((name) => path.join(directory, name));
  writeFileSync(file!, '');
  for (const [command, ...rest] of [
    ['report'],
    ['top', '--eigenvector', '0'],
    ['sql', 'SELECT 1'],
    ['verify'],
    ['inspect'],
  ] as const) {
    const says = async (place: string, message: RegExp) => {
      const { code, stderr } = await answer(command, place, ...rest);
      t.is(code, 2);
      t.true(stderr.startsWith(`eigenshard: ${place}: `), stderr);
      t.regex(stderr, message);
    };
    await says(
      missing!,
      /: cannot read the run( or checkpoint)?: there is no such file or directory; check the path/,
    );
    await says(
      beyond!,
      /: cannot read the run( or checkpoint)?: a part of the path is a file, not a directory/,
    );
    await says(directory, /: holds no finished run \(no manifest.json/);
    if (command !== 'inspect')
      await says(file!, /: expected the output directory of a finished run, found a file\n/);
  }
});

test('more rows a partition than there are rows give one partition', async (t) => {
  const { manifest } = await runHere({
    model: bareModel(t, () => {}),
    out: scratchDirectory(t),
    partitionRows: 10 ** 6,
  });
  t.is(manifest.partitions.length, 1);
});

test('NaN and infinity in the weights are named by row and column', async (t) => {
  const withNaN = bareModel(t, (values) => {
    values[17 * 8 + 3] = Number.NaN;
  });
  await refuses(t, ['--model', withNaN], /holds NaN at row 17, column 3/);
  const withInfinity = bareModel(t, (values) => {
    values[49 * 8] = Number.NEGATIVE_INFINITY;
  });
  await refuses(t, ['--model', withInfinity], /holds -Infinity at row 49, column 0/);
});

test('a metric that is not one is refused: shape, symmetry, NaN, definiteness', async (t) => {
  const model = bareModel(t, () => {});
  const metric = (values: number[], size = 8) => ['--model', model, '--metric', metricFile(t, values, size)];
  await refuses(t, metric(identity(7), 7), /metric.npy: .*7.*8/);
  await refuses(t, metric(identity(8).with(1, 0.5)), /the metric is not symmetric: max \|M - M\^T\| is 0.5/);
  await refuses(t, metric(identity(8).with(9, Number.NaN)), /metric.npy: .*NaN/);
  await refuses(
    t,
    metric(identity(8).with(63, -1)),
    /metric\.npy: the metric is not positive definite: its smallest eigenvalue is -1.*: check how it was computed/,
  );
});

test('a damaged checkpoint is refused before anything is computed', async (t) => {
  const truncated = shardedModel(t, 100, 16).directory;
  truncateSync(path.join(truncated, 'model-00002-of-00002.safetensors'), 1000);
  await refuses(t, ['--model', truncated], /model-00002-of-00002.safetensors/);

  const missing = shardedModel(t, 100, 16).directory;
  const index = path.join(missing, 'model.safetensors.index.json');
  const edit = (from: string, to: string) =>
    writeFileSync(index, readFileSync(index, 'utf8').replaceAll(from, to));
  edit('model-00002-of', 'model-00003-of');
  await refuses(t, ['--model', missing], /model-00003-of-00002.safetensors/);
  edit('model-00003-of', '../model-00003-of');
  await refuses(t, ['--model', missing], /model-00003-of-00002.safetensors/);

  const integers = path.join(scratchDirectory(t), 'integers.safetensors');
  const data = new Uint8Array(16);
  writeFileSync(integers, safetensors([{ name: 'lm_head.weight', dtype: 'I8', shape: [4, 4], data }]));
  await refuses(t, ['--model', integers], /has the dtype I8, expected bfloat16, float16 or float32/);
});

test('a pickle that asks for a forbidden global is refused by name', async (t) => {
  const model = bareModel(t, () => {});
  const file = path.join(scratchDirectory(t), 'evil.pt');
  const pickle = Buffer.from('\x80\x02cos\nsystem\nX\x04\x00\x00\x00true\x85R.', 'latin1');
  writeFileSync(
    file,
    zip([
      ['evil/data.pkl', pickle],
      ['evil/version', Buffer.from('3\n')],
    ]),
  );
  await refuses(t, ['--model', model, '--metric', file], /os.system/);
});

test('--backend portable runs anywhere and is recorded, and a library that is none is refused', async (t) => {
  const model = shardedModel(t, 120, 16).directory;
  const out = scratchDirectory(t);
  const { code, stdout, stderr } = await eigenshard(
    ...['--model', model, '--out', out, '--backend', 'portable', '--json'],
  );
  t.is(code, 0, stderr);
  const { kernels } = JSON.parse(stdout).execution;
  t.is(kernels.backend, 'portable');
  t.true(stderr.includes(`kernels: portable, ${kernels.library} ${kernels.version}\n`), stderr);

  const file = path.join(scratchDirectory(t), 'libnone.so');
  writeFileSync(file, 'no library');
  const noLibrary = /no system library can be used: .*libnone\.so: .*or give --backend portable/;
  await refuses(t, ['--model', model, '--backend', 'system', '--blas', file], noLibrary);
  await refuses(t, ['--model', model, '--blas', file], noLibrary);
  await refuses(t, ['--model', model, '--blas', file, '--backend', 'portable'], /for none: give one/);
  await refuses(t, ['--model', model, '--backend', 'fast'], /Allowed choices are auto, portable, system/);
});

systemKernelsTest('--backend system records its library; its rows differ by rounding alone', async (t) => {
  const model = shardedModel(t, 300, 40).directory;
  const [portable, system] = [scratchDirectory(t), scratchDirectory(t)];
  await runHere({ model, out: portable });
  const { code, stdout, stderr } = await eigenshard(
    ...['--model', model, '--out', system, '--backend', 'system', '--json'],
  );
  t.is(code, 0, stderr);
  const { verification, execution } = JSON.parse(stdout);
  t.true(verification.passed);
  t.is(execution.kernels.backend, 'system');
  t.log(
    `${execution.kernels.library}: ${execution.kernels.version}; float32 by ${execution.kernels.float32}`,
  );
  const [expected, actual] = [await readProjections(portable), await readProjections(system)];
  // An eigenvector turns by a few eps ||C|| over its gap: far below the float32 it is stored in, for gaps above 1e-6 ||C||.
  const worst = actual.values.reduce(
    (max, value, k) => Math.max(max, Math.abs(value - expected.values[k]!)),
    0,
  );
  t.log(`largest difference of a projection: ${worst.toExponential(2)}`);
  t.true(worst < 1e-6);
});

test('an output directory that cannot be made is refused', async (t) => {
  const model = bareModel(t, () => {});
  const file = path.join(scratchDirectory(t), 'file');
  writeFileSync(file, '');
  const { code, stderr } = await eigenshard('--model', model, '--out', path.join(file, 'out'), '--quiet');
  t.is(code, 2);
  t.regex(stderr, /file\/out: cannot write/);
});

const userTest = testUnless(
  process.getuid?.() === 0 ? 'run by the superuser, who may write everywhere' : null,
);

userTest('an output directory without permission is refused', async (t) => {
  const model = bareModel(t, () => {});
  const directory = path.join(scratchDirectory(t), 'closed');
  mkdirSync(directory);
  chmodSync(directory, 0o500);
  const { code, stderr } = await eigenshard(
    '--model',
    model,
    '--out',
    path.join(directory, 'out'),
    '--quiet',
  );
  t.is(code, 2);
  t.regex(stderr, /permission/);
});

const linuxTest = testUnless(process.platform === 'linux' ? null : 'not Linux');

linuxTest(
  'a reader of stdout that closes its end early is no failure, a full disk is one line',
  async (t) => {
    const out = path.join(scratchDirectory(t), 'out');
    await runHere({ model: shardedModel(t, 40, 8).directory, out });
    for (const args of [
      ['--help'],
      ['inspect', out],
      ['inspect', out, '--json'],
      ['top', out, '--eigenvector', '1'],
      ['verify', out, '--quiet'],
      ['report', out],
      ['sql', out, 'SELECT * FROM projections', '--csv'],
    ]) {
      const closed = await inShell('exec 3>&1; { "$@"; echo "rc $?" >&3; } | true', args);
      t.is(closed.stdout, 'rc 0\n', `${args[0]}: ${closed.stderr}`);
      t.is(closed.stderr, '', args[0]);
      const full = await inShell('"$@" >/dev/full; echo "rc $?"', args);
      t.is(full.stdout, 'rc 1\n', `${args[0]}: ${full.stderr}`);
      t.regex(
        full.stderr,
        /^eigenshard: stdout: took only a part of the result \(ENOSPC: .*\); free space .*\n$/,
      );
    }
  },
);

linuxTest('a working directory that was removed is called so', async (t) => {
  const model = shardedModel(t, 20, 8).directory;
  const out = path.join(scratchDirectory(t), 'out');
  for (const given of [out, 'out']) {
    const { stderr, stdout } = await inShell(`cd "$(mktemp -d)"; rmdir "$PWD"; "$@"; echo "rc $?"`, [
      '--model',
      model,
      '--out',
      given,
      '--quiet',
    ]);
    t.is(stdout, 'rc 2\n');
    t.is(
      stderr.replace(/^shell-init.*\n/m, ''),
      'eigenshard: the working directory was removed: change to one that exists (cd), and run the same command again\n',
    );
  }
});

test('a fault that nobody foresaw is one line, and a stack only with EIGENSHARD_DEBUG=1', async (t) => {
  const { NODE_OPTIONS = '' } = process.env;
  const model = shardedModel(t, 20, 8).directory;
  for (const fault of ['throw new TypeError("broken")', 'Promise.reject(new TypeError("broken"))']) {
    const hook = scratchFile(
      t,
      'hook.mjs',
      `import fs from 'node:fs';
       import { syncBuiltinESMExports } from 'node:module';
       const { existsSync } = fs;
       fs.existsSync = (file) => {
         if (file === ${JSON.stringify(model)}) ${fault};
         return existsSync(file);
       };
       syncBuiltinESMExports();`,
    );
    const environment = { NODE_OPTIONS: `${NODE_OPTIONS} --import=${hook}` };
    const { code, stderr } = await start(['inspect', model], environment).ended;
    t.is(code, 1);
    t.is(
      stderr,
      'eigenshard: unexpected: TypeError: broken; this is a fault of eigenshard: set EIGENSHARD_DEBUG=1 for the stack\n',
    );
    const debugged = await start(['inspect', model], { ...environment, EIGENSHARD_DEBUG: '1' }).ended;
    t.is(debugged.code, 1);
    t.regex(debugged.stderr, /\n\s+at .*hook\.mjs/);
  }
});

test('a launcher without its packages says how to get them', async (t) => {
  const directory = scratchDirectory(t);
  const root = path.resolve(import.meta.dirname, '../..');
  cpSync(path.join(root, 'coordinator.js'), path.join(directory, 'coordinator.js'));
  const launch = () =>
    spawnSync(process.execPath, [path.join(directory, 'coordinator.js'), '--help'], { encoding: 'utf8' });
  const unbuilt = launch();
  t.is(unbuilt.status, 1);
  t.regex(unbuilt.stderr, /^eigenshard is not built yet: run `npm ci` .*\n$/);
  cpSync(path.join(root, 'dist/src'), path.join(directory, 'dist/src'), { recursive: true });
  cpSync(path.join(root, 'package.json'), path.join(directory, 'package.json'));
  const bare = launch();
  t.is(bare.status, 1);
  t.regex(bare.stderr, /^eigenshard lacks a part \(Cannot find package .*\): run `npm ci` in .* first\n$/);
});

/** Runs a line of a shell, whose "$@" is the command line. */
async function inShell(line: string, args: readonly string[]): Promise<{ stdout: string; stderr: string }> {
  const launcher = path.resolve(import.meta.dirname, '../../coordinator.js');
  const { stdout, stderr } = await promisify(execFile)('bash', [
    ...['-c', line, 'bash', process.execPath, launcher],
    ...args,
  ]);
  return { stdout, stderr };
}
