import { cpSync, existsSync, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import test from 'ava';
import { isPlanned } from '../../src/batch/batch-plan.js';
import { EigenshardError, InputError } from '../../src/errors.js';
import { planModel } from '../../src/input/plan-model.js';
import { plannedRuns, planOf } from '../helpers/batches.js';
import { scratchDirectory } from '../helpers/fixtures.js';
import { runConfig, shardedModel } from '../helpers/runs.js';

const made = (directory: string, seed = 1) => ({ synthetic: { rows: 300, hidden: 8, seed, directory } });

test('a plan has the shape, the state and the needs of every run, and writes nothing', async (t) => {
  const { directory: model } = shardedModel(t, 60, 8);
  const absent = path.join(model, '../made');
  const plan = await planOf(t, { runs: [{ model }, made(absent)] });
  const [one, two] = plannedRuns(plan);
  t.deepEqual(one!.shape, { rows: 60, columns: 8, dtype: 'bfloat16' });
  t.deepEqual(two!.shape, { rows: 300, columns: 8, dtype: 'bfloat16' });
  t.deepEqual([one!.name, two!.name], ['sharded', 'made']);
  t.deepEqual([one!.state.is, two!.state.is], ['new', 'new']);
  t.is(path.dirname(path.resolve(one!.config.out)), plan.directory);
  // The made-up checkpoint has to be written as well.
  t.is(two!.files[0]!.path, path.join(absent, 'model.safetensors'));
  t.deepEqual(two!.files.length, one!.files.length + 1);
  t.false(existsSync(plan.directory));
  t.false(existsSync(absent));
});

test('a run whose model, tensor or metric cannot be used is refused, and the others are planned', async (t) => {
  const { directory: model } = shardedModel(t, 60, 8);
  const { runs } = await planOf(t, {
    runs: [
      { model: 'no/such/model' },
      { model, tensor: 'no.such.tensor' },
      { model },
      { model, metric: 'no-such-metric.pt' },
    ],
  });
  t.deepEqual(runs.map(isPlanned), [false, false, true, false]);
  const problems = runs.map((run) => (isPlanned(run) ? '' : run.problem.message));
  t.regex(problems[0]!, /no\/such\/model: .*does not exist|no such/i);
  t.regex(problems[1]!, /no tensor no\.such\.tensor; name one with --tensor, of: lm_head\.weight/);
  t.regex(problems[3]!, /no-such-metric\.pt/);
});

test('two runs that would write the same file are refused, with their places', async (t) => {
  const { directory: model } = shardedModel(t, 60, 8);
  const exports = { npy: { projections: path.join(model, 'p.npy') } };
  const expectation = {
    instanceOf: InputError,
    message: /runs\[2\] \(sharded\): writes to .*, as runs\[0\] does/,
  };
  await t.throwsAsync(planOf(t, { runs: [{ model }, { model, ridge: 1 }, { model }] }), expectation);
  await t.throwsAsync(
    planOf(t, { runs: [{ model, exports }, { model }, { model, ridge: 1, exports }] }),
    expectation,
  );
  const out = scratchDirectory(t);
  const onSummary = { npy: { projections: path.join(out, 'summary.parquet') } };
  await t.throwsAsync(planOf(t, { out, runs: [{ model, exports: onSummary }] }), {
    instanceOf: InputError,
    message: /runs\[0\] \(sharded\): writes to .*summary.parquet, as the summary of the batch does/,
  });
});

test('interrupted and finished runs are recognised, the latter by fingerprint', async (t) => {
  const { directory: model } = shardedModel(t, 60, 8);
  const batch = { runs: [{ model, partitionRows: 20 }] };
  const out = path.join(model, '../runs');
  const stateNow = async (find?: typeof planModel) =>
    plannedRuns(await planOf(t, { ...batch, out }, find === undefined ? {} : { find }))[0]!;
  const { config } = await stateNow();

  const interrupted = await t.throwsAsync(runConfig(config, { interruptAt: 'projection' }), {
    instanceOf: EigenshardError,
  });
  t.is(interrupted.kind, 'interrupted');
  const unfinished = await stateNow();
  t.is(unfinished.state.is, 'unfinished');
  t.true(unfinished.files.length > 0);

  const { manifest } = await runConfig(config, { resume: true });
  const finished = await stateNow();
  t.deepEqual(finished.state, { is: 'finished', manifest, isCertain: false });
  t.deepEqual(finished.files, []);
});

test('a finished run of a commit is not downloaded again', async (t) => {
  const { directory: model } = shardedModel(t, 60, 8);
  const out = path.join(model, '../runs');
  const find: typeof planModel = async (name, options) => {
    const found = await planModel(model, options);
    const revision = '0123456789abcdef';
    return {
      ...found,
      model: { ...found.model, name, revision },
      bytesToDownload: 960,
      downloadTarget: path.join(model, 'matrix'),
    };
  };
  const plan = () => planOf(t, { out, runs: [{ model: 'owner/name' }] }, { find });
  const [run] = plannedRuns(await plan());
  t.deepEqual([run!.bytesToDownload, run!.downloadTarget], [960, path.join(model, 'matrix')]);
  t.regex(path.basename(run!.config.out), /^owner--name@0123456789ab-/);

  await runConfig(run!.config, { checkpoint: await run!.fetch!(() => {}) });
  const [again] = plannedRuns(await plan());
  t.is(again!.bytesToDownload, 0);
  t.like(again!.state, { is: 'finished', isCertain: true });
});

test('a folder with the finished run of other inputs is left alone', async (t) => {
  const first = shardedModel(t, 60, 8);
  const metricOf = async (ridge: number) => {
    const out = path.join(first.directory, `../metric-${ridge}`);
    const [run] = plannedRuns(await planOf(t, { out, runs: [{ model: first.directory, ridge }] }));
    await runConfig(run!.config, {});
    return run!.config.out;
  };
  const folder = await metricOf(1e-3);
  const other = await metricOf(1e-2);
  rmSync(folder, { recursive: true });
  cpSync(other, folder, { recursive: true });
  const before = readdirSync(folder);
  const out = path.dirname(folder);
  const plan = await planOf(t, { out, runs: [{ model: first.directory, ridge: 1e-3 }] });
  const [run] = plan.runs;
  t.false(isPlanned(run!));
  t.regex(
    (run as { problem: Error }).problem.message,
    /holds a finished run of other inputs .*: ridge 1e-2 -> 1e-3 \(there -> here\); .*remove that folder/,
  );
  t.deepEqual(readdirSync(folder), before);
});
