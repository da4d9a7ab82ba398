import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { ExecutionContext } from 'ava';
import { answer } from './helpers/answers.js';
import { trials } from './helpers/campaign.js';
import { start } from './helpers/cli.js';
import { npy, scratchDirectory } from './helpers/fixtures.js';
import { runHere, shardedModel } from './helpers/runs.js';
import { testUnless } from './helpers/test-unless.js';

/** What may stand where a path leads to. */
const places: Readonly<Record<string, (place: string) => void>> = {
  'a named pipe': (place) => execFileSync('mkfifo', [place]),
  'a device': (place) => symlinkSync('/dev/zero', place),
  'a link to itself': (place) => symlinkSync(path.basename(place), place),
  'an empty directory': (place) => mkdirSync(place),
};

/** Files that command lines name beside the special one. */
interface Here {
  model: string;
  run: string;
  ofMetric: string;
  batch: string;
  /** Where nothing is yet. */
  out: string;
  /** Writes a configuration. @returns its path */
  config: (values: object) => string;
}

/** Command lines by the option or argument that leads to `place`; with `empty`, those that take an empty directory. */
const lines: readonly { of: string; empty?: true; args: (place: string, here: Here) => string[] }[] = [
  { of: '--model', args: (place, { out }) => ['--model', place, '--out', out] },
  { of: '--model --dry-run', args: (place, { out }) => ['--model', place, '--out', out, '--dry-run'] },
  { of: '--metric', args: (place, { model, out }) => ['--model', model, '--metric', place, '--out', out] },
  {
    of: '--metric --dry-run',
    args: (place, { model, out }) => ['--model', model, '--metric', place, '--out', out, '--dry-run'],
  },
  { of: '--config', args: (place) => ['--config', place] },
  { of: '--out', empty: true, args: (place, { model }) => ['--model', model, '--out', place] },
  {
    of: '--out --resume',
    empty: true,
    args: (place, { model }) => ['--model', model, '--out', place, '--resume'],
  },
  {
    of: '--out --overwrite',
    empty: true,
    args: (place, { model }) => ['--model', model, '--out', place, '--overwrite'],
  },
  {
    of: '--out --dry-run',
    empty: true,
    args: (place, { model }) => ['--model', model, '--out', place, '--dry-run'],
  },
  { of: '--blas', args: (place, { model, out }) => ['--model', model, '--blas', place, '--out', out] },
  {
    of: 'an export',
    args: (place, { model, out, config }) => ['--config', config({ model, out, exports: { npy: place } })],
  },
  { of: 'batch', args: (place) => ['batch', place] },
  { of: 'batch --out', empty: true, args: (place, { batch }) => ['batch', batch, '--out', place] },
  {
    of: 'batch --out --dry-run',
    empty: true,
    args: (place, { batch }) => ['batch', batch, '--out', place, '--dry-run'],
  },
  { of: 'verify', args: (place) => ['verify', place] },
  { of: 'verify --model', args: (place, { run }) => ['verify', run, '--model', place] },
  { of: 'verify --metric', args: (place, { ofMetric }) => ['verify', ofMetric, '--metric', place] },
  { of: 'inspect', args: (place) => ['inspect', place] },
  { of: 'export', args: (place) => ['export', place, '--export', 'npy'] },
  {
    of: 'export --model',
    args: (place, { run }) => ['export', run, '--tables', 'all', '--top', '3', '--model', place],
  },
  { of: 'report', args: (place) => ['report', place] },
  { of: 'top', args: (place) => ['top', place, '--eigenvector', '0'] },
  { of: 'sql', args: (place) => ['sql', place, 'SELECT 1'] },
  { of: 'sql --file', args: (place, { run }) => ['sql', run, '--file', place] },
  { of: 'sql --attach', args: (place, { run }) => ['sql', run, 'SELECT 1', '--attach', `other=${place}`] },
  {
    of: 'generate --out',
    empty: true,
    args: (place) => ['generate', '--rows', '10', '--hidden', '4', '--out', place],
  },
  { of: 'doctor', empty: true, args: (place) => ['doctor', place] },
];

/** Commands whose progress is not asked for. */
const quiet: ReadonlySet<string> = new Set(['batch', 'verify', 'export', 'generate', 'run']);

async function filesHere(t: ExecutionContext): Promise<Here> {
  const folder = scratchDirectory(t);
  const model = shardedModel(t, 40, 8).directory;
  const metric = path.join(folder, 'metric.npy');
  const identity = Float32Array.from({ length: 64 }, (_, k) => (k % 9 === 0 ? 1 : 0));
  writeFileSync(metric, npy('<f4', [8, 8], new Uint8Array(identity.buffer)));
  const [run, ofMetric] = ['run', 'of-metric'].map((name) => path.join(folder, name)) as [string, string];
  await runHere({ model, out: run, tables: 'none' });
  await runHere({ model, metric, out: ofMetric, tables: 'none' });
  const config = (values: object) => {
    const file = path.join(folder, 'config.json');
    writeFileSync(file, JSON.stringify(values));
    return file;
  };
  const batch = path.join(folder, 'batch.json');
  writeFileSync(batch, JSON.stringify({ runs: [{ model }] }));
  return { model, run, ofMetric, batch, out: path.join(folder, 'new'), config };
}

const specialTest = testUnless(process.platform === 'win32' ? 'no named pipes' : null);

/** The first of them is for every option, the others in turn, or all with EIGENSHARD_CAMPAIGN=3. */
const [first, ...others] = Object.keys(places) as [string, ...string[]];
const kindsOf = (index: number) =>
  trials(1) >= others.length ? [first, ...others] : [first, others[index % others.length]!];

specialTest(
  'no path of a command line that leads to a pipe or a device is waited for: one line says so',
  async (t) => {
    t.timeout(30 * 60_000);
    const here = await filesHere(t);
    const wrong: string[] = [];
    for (const [index, { of, empty = false, args }] of lines.entries()) {
      for (const kind of kindsOf(index)) {
        if (empty && kind === 'an empty directory') continue;
        const place = path.join(scratchDirectory(t), 'special');
        places[kind]!(place);
        const words = args(place, here);
        const command = words[0]!.startsWith('--') ? 'run' : words[0]!;
        const isQuiet = quiet.has(command) && !words.includes('--dry-run');
        const { code, stderr } = await answer(...words, ...(isQuiet ? ['--quiet'] : []));
        if (code !== 2 || !/^eigenshard: [^\n]*special[^\n]*\n$/.test(stderr)) {
          wrong.push(`${of}, ${kind}: ${code} ${stderr}`);
        }
      }
    }
    t.deepEqual(wrong, []);
  },
);

specialTest('a query that is piped in without an end is refused, and a short one is answered', async (t) => {
  const { run } = await filesHere(t);
  const ask = (input: string) => start(['sql', run, '-', '--csv'], {}, input).ended;
  t.like(await ask('SELECT 2 AS x'), { code: 0, stdout: 'x\r\n2\r\n' });
  const { code, stderr } = await ask('SELECT 1 --'.repeat(2e6));
  t.is(code, 2);
  t.regex(stderr, /^eigenshard: sql: standard input has more than 16777216 bytes, .*\n$/);
});
