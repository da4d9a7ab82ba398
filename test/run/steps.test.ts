import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { ExecutionContext } from 'ava';
import test from 'ava';
import { EigenshardError, InputError, VerificationError } from '../../src/errors.js';
import { ThreadExecutor } from '../../src/executor/threads.js';
import { publishRecord, readRecord } from '../../src/output/done-records.js';
import { readManifest } from '../../src/output/manifest.js';
import { partName, publishPart } from '../../src/output/part-file.js';
import { readPlan } from '../../src/output/run-plan.js';
import { recordsOfStage } from '../../src/output/run-records.js';
import { directoryStore } from '../../src/output/run-store.js';
import { partOf } from '../../src/output/unit-parts.js';
import type { StageName } from '../../src/plan/stages.js';
import { loadConfig, type Overrides } from '../../src/run/config.js';
import { openSteps, openUnitRun } from '../../src/run/open-steps.js';
import { silentProgress } from '../../src/run/progress.js';
import { statusOf } from '../../src/run/status.js';
import { type StepResult, step } from '../../src/run/step.js';
import { Stopwatch } from '../../src/run/stopwatch.js';
import { unitInput, withdrawUnit } from '../../src/run/unit-run.js';
import { writeRunPlan } from '../../src/run/write-plan.js';
import { campaignLack } from '../helpers/campaign.js';
import { eigenshard, signalAtRecord, start } from '../helpers/cli.js';
import { scratchDirectory } from '../helpers/fixtures.js';
import { hostsTest, startOnHost } from '../helpers/other-host.js';
import { dataFiles, offlineHub, runHere, shardedModel, verifyHere } from '../helpers/runs.js';
import { sameFiles } from '../helpers/same-files.js';
import { testUnless } from '../helpers/test-unless.js';
import { until } from '../helpers/until.js';
import { weighedModel } from '../helpers/weighed-model.js';

const stages: readonly StageName[] = [
  'scan',
  'identity',
  'covariance',
  'basis',
  'project',
  'verify',
  'finish',
];

/** Options of a run of nine partitions, which every test here has. */
const options = { partitionRows: 100, format: 'both', export: ['npy'], top: 5 } as const;

/** Threads of all steps that are computed in this process. */
const executor = new ThreadExecutor({ workers: 2 });
test.after.always(() => executor.close());

/** Does something with all that a run needs beside its configuration. */
async function withContextHere<Result>(
  work: (context: Parameters<typeof step>[3]) => Promise<Result>,
): Promise<Result> {
  return work({ executor, stopwatch: new Stopwatch(silentProgress), note: () => {}, hub: offlineHub });
}

async function planned(
  t: ExecutionContext,
  changes: Overrides = {},
): Promise<{ run: string; model: string }> {
  const run = path.join(scratchDirectory(t), 'run');
  const { directory: model } = shardedModel(t, 900, 16);
  const config = await loadConfig(null, { model, out: run, backend: 'portable', ...options, ...changes });
  await withContextHere((context) => writeRunPlan(config, { overwrite: false }, context));
  return { run, model };
}

interface StepFlags {
  index?: number;
  of?: number;
  allowMixed?: boolean;
}

async function stepHere(
  run: string,
  stage: StageName,
  { index, of, allowMixed = false }: StepFlags = {},
): Promise<StepResult> {
  const share = index === undefined || of === undefined ? null : { index, of, source: 'a test' };
  return withContextHere((context) => step(run, stage, { share, allowMixed, environment: {} }, context));
}

/** Computes the stages of a run up to one, and that one too. */
async function stepsTo(run: string, last: StageName): Promise<void> {
  for (const stage of stages.slice(0, stages.indexOf(last) + 1)) await stepHere(run, stage);
}

const storeOf = (run: string) => directoryStore(run, { durable: false, lock: null });

let dataOfOneProcess: Promise<ReturnType<typeof dataFiles>> | undefined;

/** What one process computes of the model, which all tests here have. */
async function computedByOne(t: ExecutionContext, model: string): Promise<ReturnType<typeof dataFiles>> {
  const whole = path.join(scratchDirectory(t), 'whole');
  await runHere({ model, out: whole, ...options });
  return dataFiles(whole);
}

/** Checks that a run is finished, and its data are those that one process computes. */
async function isAsOfOneProcess(t: ExecutionContext, run: string, model: string): Promise<void> {
  dataOfOneProcess ??= computedByOne(t, model);
  sameFiles(t, dataFiles(run), await dataOfOneProcess);
  t.true((await verifyHere(run)).verification.passed);
}

hostsTest(
  'three processes on three machines compute a run, whose data are those of one process',
  async (t) => {
    const { run, model } = await planned(t);
    for (const stage of stages) {
      const processes = [0, 1, 2].map((index) =>
        startOnHost(`machine${index}`, ['step', run, stage, '--index', `${index}`, '--of', '3', '--quiet']),
      );
      for (const { ended } of processes) {
        const { code, stderr } = await ended;
        t.is(code, 0, stderr);
      }
    }
    const { execution } = readManifest(run);
    t.deepEqual(execution.hosts, ['machine0', 'machine1', 'machine2']);
    const status = statusOf(run);
    t.true(status.isFinished);
    t.deepEqual(
      status.stages.map(({ units, done }) => units - done),
      stages.map(() => 0),
    );
    await isAsOfOneProcess(t, run, model);
  },
);

test('a stage whose units are done, and one of one unit that needs no thread, start none', async (t) => {
  const { run } = await planned(t);
  await stepsTo(run, 'scan');
  const refuse = () => {
    throw new RangeError('nothing is to be started');
  };
  const without = { concurrency: 1, start: refuse, rest: () => {}, run: refuse, close: async () => {} };
  const stepWithout = (stage: StageName) =>
    withContextHere((context) =>
      step(
        run,
        stage,
        { share: null, allowMixed: false, environment: {} },
        { ...context, executor: without },
      ),
    );
  t.like(await stepWithout('scan'), { before: 1, computed: 0 });
  t.like(await stepWithout('identity'), { before: 0, computed: 1 });
  await stepsTo(run, 'covariance');
  t.like(await stepWithout('basis'), { before: 0, computed: 1 });
});

test('a machine verifies what another one has projected', async (t) => {
  const { run } = await planned(t);
  await stepsTo(run, 'project');
  await stepHere(run, 'verify', { index: 0, of: 2 });
  const store = storeOf(run);
  const units = recordsOfStage(store, readPlan(store, run)!, 'verify').map(({ unit }) => unit);
  t.deepEqual(units, [1, 3, 5, 7]);
});

test('the number of processes may change from call to call, and what is done is not done again', async (t) => {
  const { run, model } = await planned(t);
  await stepsTo(run, 'basis');
  t.like(await stepHere(run, 'project', { index: 0, of: 2 }), { units: 5, before: 0, computed: 5 });
  t.like(await stepHere(run, 'project', { index: 1, of: 3 }), { units: 3, before: 1, computed: 2 });
  t.like(await stepHere(run, 'project'), { units: 9, before: 7, computed: 2 });
  t.like(await stepHere(run, 'project'), { units: 9, before: 9, computed: 0 });
  await stepHere(run, 'verify');
  await stepHere(run, 'finish');
  t.true((await stepHere(run, 'project')).isFinished);
  await isAsOfOneProcess(t, run, model);
});

test('two processes with the same share at once leave one set of files and records', async (t) => {
  const { run, model } = await planned(t);
  for (const stage of stages.slice(0, -1)) await Promise.all([stepHere(run, stage), stepHere(run, stage)]);
  await stepHere(run, 'finish');
  await isAsOfOneProcess(t, run, model);
});

testUnless(campaignLack)(
  'a process that is killed at any of its records leaves what the same call completes',
  async (t) => {
    const { run, model } = await planned(t);
    const hook = new URL('../helpers/refused-calls.js', import.meta.url).href;
    for (const stage of stages) {
      const refused = { calls: ['linkSync', 'renameSync'], code: 'SIGKILL', path: run, at: 1 };
      const { code } = await start(['step', run, stage, '--workers', '1', '--quiet'], {
        NODE_OPTIONS: `${process.env.NODE_OPTIONS ?? ''} --import ${hook}`,
        REFUSED_CALLS: JSON.stringify(refused),
      }).ended;
      t.true(code === null || code === 0, `${stage}: ${code}`);
      await stepHere(run, stage);
    }
    await isAsOfOneProcess(t, run, model);
  },
);

test('a unit that fails is recorded and named, the rest of the share is done, and the same call completes it', async (t) => {
  const { run, model } = await planned(t);
  await stepsTo(run, 'basis');
  const poisoned = path.join(run, 'projections/parquet/part-00004.parquet');
  mkdirSync(path.join(poisoned, 'in the way'), { recursive: true });
  for (let attempt = 1; attempt <= 2; attempt++) {
    const { code, stderr } = await eigenshard('step', run, 'project', '--index', '0', '--of', '2', '--quiet');
    t.is(code, 2, stderr);
    t.regex(
      stderr,
      /1 unit of project failed; those that did not are done:\ndone\/project\/00004\.json: .*part-00004/,
    );
    const project = statusOf(run).stages.find(({ name }) => name === 'project')!;
    t.is(project.done, 4);
    t.like(project.failed[0], { unit: 4, attempt, isPassing: false });
  }
  const shown = await eigenshard('status', run);
  t.regex(shown.stdout, /project, unit 4, attempt 2 on .*part-00004/);
  t.is((await eigenshard('status', run, '--missing', 'project')).stdout, '1,3-5,7\n');
  const error = await t.throwsAsync(stepHere(run, 'verify'), { instanceOf: InputError });
  t.regex(
    error.message,
    /verify needs all of project, of which 4 of 9 units are done: `eigenshard step .* project`/,
  );
  rmdirSync(path.join(poisoned, 'in the way'));
  rmdirSync(poisoned);
  for (const stage of ['project', 'verify', 'finish'] as const) await stepHere(run, stage);
  await isAsOfOneProcess(t, run, model);
});

test('a full disk on one machine is a failure that passes: exit code 75, and the same call completes it', async (t) => {
  const { run, model } = await planned(t);
  await stepsTo(run, 'basis');
  const hook = new URL('../helpers/refused-calls.js', import.meta.url).href;
  const { code, stderr } = await start(['step', run, 'project', '--quiet'], {
    NODE_OPTIONS: `${process.env.NODE_OPTIONS ?? ''} --import ${hook}`,
    REFUSED_CALLS: JSON.stringify({ calls: ['writeSync'], code: 'ENOSPC', path: 'part-00002' }),
  }).ended;
  t.is(code, 75, stderr);
  t.regex(stderr, /done\/project\/00002\.json: .*disk full/);
  t.true(statusOf(run).stages.find(({ name }) => name === 'project')!.failed[0]!.isPassing);
  for (const stage of ['project', 'verify', 'finish'] as const) await stepHere(run, stage);
  await isAsOfOneProcess(t, run, model);
});

test('a full disk that takes no record of a failure either ends no other unit, and is told by the message', async (t) => {
  const { run, model } = await planned(t);
  await stepsTo(run, 'basis');
  const hook = new URL('../helpers/refused-calls.js', import.meta.url).href;
  const { code, stderr } = await start(['step', run, 'project', '--workers', '1', '--quiet'], {
    NODE_OPTIONS: `${process.env.NODE_OPTIONS ?? ''} --import ${hook}`,
    REFUSED_CALLS: JSON.stringify({ calls: ['writeSync'], code: 'ENOSPC', path: '/project/' }),
  }).ended;
  t.is(code, 75, stderr);
  t.regex(stderr, /9 units of project failed/);
  t.regex(stderr, /done\/project\/00008\.json: .*disk full/);
  t.deepEqual(statusOf(run).stages.find(({ name }) => name === 'project')!.failed, []);
  for (const stage of ['project', 'verify', 'finish'] as const) await stepHere(run, stage);
  await isAsOfOneProcess(t, run, model);
});

/** A step of one thread that has stopped itself with its first partition done. */
async function stoppedStep(t: ExecutionContext, run: string) {
  const sent = path.join(scratchDirectory(t), 'sent');
  const at = { folder: 'run', stage: 'project', records: 1, signal: 'SIGSTOP' } as const;
  const step = start(['step', run, 'project', '--workers', '1', '--quiet'], signalAtRecord(at, sent));
  t.teardown(() => step.process.kill('SIGKILL'));
  await until(() => existsSync(sent));
  return step;
}

test('a process that was stopped until others have finished the run adds nothing to it', async (t) => {
  const { run, model } = await planned(t);
  await stepsTo(run, 'basis');
  const step = await stoppedStep(t, run);
  for (const stage of ['project', 'verify', 'finish'] as const) await stepHere(run, stage);
  step.process.kill('SIGCONT');
  const { code, stdout, stderr } = await step.ended;
  t.is(code, 0, stderr);
  t.regex(stdout, /is finished; nothing is left to do/);
  await isAsOfOneProcess(t, run, model);
});

test('a process that was stopped until the run was planned anew writes nothing into it', async (t) => {
  const { run, model } = await planned(t);
  await stepsTo(run, 'basis');
  const former = readPlan(storeOf(run), run)!.sha256;
  const step = await stoppedStep(t, run);
  const changes = { ridge: 0.5 };
  const config = await loadConfig(null, { model, out: run, backend: 'portable', ...options, ...changes });
  await withContextHere((context) => writeRunPlan(config, { overwrite: true }, context));
  await stepsTo(run, 'project');
  const before = dataFiles(run);
  step.process.kill('SIGCONT');
  const { code, stderr } = await step.ended;
  t.is(code, 2, stderr);
  t.regex(stderr, /its plan is another one than this process began with/);
  sameFiles(t, dataFiles(run), before);

  const asked = await eigenshard('step', run, 'verify', '--plan', former, '--quiet');
  t.is(asked.code, 2);
  t.regex(asked.stderr, /holds another plan \(\w{12}\) than is to be computed/);
  await stepHere(run, 'verify');
  await stepHere(run, 'finish');
  t.is((await eigenshard('step', run, 'finish', '--plan', former, '--quiet')).code, 2);
  const whole = path.join(scratchDirectory(t), 'whole');
  await runHere({ model, out: whole, ...options, ...changes });
  sameFiles(t, dataFiles(run), dataFiles(whole));
});

test('a partition that is damaged is found, its record withdrawn, and it alone is made again', async (t) => {
  const { run, model } = await planned(t);
  await stepsTo(run, 'project');
  const file = path.join(run, 'projections/arrow/part-00003.arrow');
  const bytes = readFileSync(file);
  bytes[bytes.length >> 1]! ^= 1;
  writeFileSync(file, bytes);
  const error = await t.throwsAsync(stepHere(run, 'verify'), { instanceOf: VerificationError });
  t.regex(
    error.message,
    /part-00003\.arrow: (?:.|\n)*\nIts record is withdrawn: `eigenshard step .* project` makes it again/,
  );
  t.like(await stepHere(run, 'project'), { before: 8, computed: 1 });
  t.like(await stepHere(run, 'verify'), { before: 8, computed: 1 });
  await stepHere(run, 'finish');
  await isAsOfOneProcess(t, run, model);
});

test('a run whose judgement fails gets neither tables nor exports nor a report, and no part of them', async (t) => {
  // While the bias of the logits is read, the judgement may be over.
  for (const biased of [undefined, weighedModel(t, {}, { bias: true }).directory]) {
    const { run, model } = await planned(t, biased === undefined ? {} : { model: biased });
    await stepsTo(run, 'verify');
    const store = storeOf(run);
    const name = { stage: 'verify', unit: 2 } as const;
    const record = readRecord(store, name)!;
    const arrays = partOf(store, record);
    const sums = (arrays['measured.sums'] as Float64Array).map((sum) => 1.5 * sum);
    withdrawUnit({ store }, name);
    const part = publishPart(store, partName(name), { ...arrays, 'measured.sums': sums });
    publishRecord(store, { ...record, part });
    const before = readdirSync(run).sort();
    const { code, stderr } = await eigenshard('step', run, 'finish', '--quiet');
    t.is(code, 3, stderr);
    t.regex(stderr, /column means: .* is beyond/);
    // The lock is given up, and the failure is recorded.
    t.deepEqual(readdirSync(run).sort(), [...before, 'failed'].sort());

    withdrawUnit({ store }, name);
    await stepHere(run, 'verify');
    await stepHere(run, 'finish');
    if (biased === undefined) await isAsOfOneProcess(t, run, model);
    else t.true((await verifyHere(run)).verification.passed);
  }
});

test('a file that is lost, or cut, is made again by the same call', async (t) => {
  const { run } = await planned(t);
  await stepsTo(run, 'project');
  rmSync(path.join(run, 'projections/parquet/part-00000.parquet'));
  const cut = path.join(run, 'projections/parquet/part-00005.parquet');
  writeFileSync(cut, readFileSync(cut).subarray(0, 1000));
  t.like(await stepHere(run, 'project'), { before: 7, computed: 2 });
});

test('a basis that is lost when its covariance is used up is told, and both are made again', async (t) => {
  const { run, model } = await planned(t);
  await stepsTo(run, 'project');
  rmSync(path.join(run, 'eigenbasis.safetensors'));
  await t.throwsAsync(stepHere(run, 'basis'), {
    message: /basis needs all of covariance, of which 0 of 1 unit are done: `eigenshard step .* covariance`/,
  });
  for (const stage of ['covariance', 'basis', 'project', 'verify', 'finish'] as const)
    await stepHere(run, stage);
  await isAsOfOneProcess(t, run, model);
});

test('processors of several kinds are refused, and let be mixed by whoever says so', async (t) => {
  const { run } = await planned(t);
  await stepsTo(run, 'verify');
  const store = storeOf(run);
  const name = { stage: 'project', unit: 2 } as const;
  const record = readRecord(store, name)!;
  withdrawUnit({ store }, name);
  publishRecord(store, { ...record, processor: 'another one', host: 'elsewhere' });
  const error = await t.throwsAsync(stepHere(run, 'finish'), { instanceOf: InputError });
  t.regex(
    error.message,
    /project was computed on elsewhere, on another processor \(another one\) .*--allow-mixed$/,
  );
  t.is(statusOf(run).processors.length, 2);
  await stepHere(run, 'finish', { allowMixed: true });
  t.true((await verifyHere(run)).verification.passed);
});

test('bytes that differ from those of another machine are refused with the names of both', async (t) => {
  const { run } = await planned(t);
  await stepsTo(run, 'basis');
  const opened = openSteps(run);
  if (opened.isFinished) throw new Error('finished');
  const unitRun = await openUnitRun(opened, { environment: {} }, () => {});
  const files = [{ path: 'projections/parquet/part-00000.parquet', bytes: 1, crc32: 2 }];
  const other = { ...unitRun.maker, host: 'elsewhere', processor: 'another one' };
  publishRecord(opened.store, {
    ...{ ...other, stage: 'project', unit: 0, plan: opened.plan.sha256, files, part: null, results: {} },
    ...{ started: '2026-01-01T00:00:00.000Z', seconds: 1 },
  });
  const input = unitInput(unitRun, { stage: 'project', unit: 0 });
  await withContextHere(async ({ executor }) => {
    const error = await t.throwsAsync(executor.run('unit', input), { instanceOf: EigenshardError });
    t.regex(error.message, /elsewhere has computed other bytes \(another one\) than .*--overwrite$/);
  });
});

test('a unit of another plan is refused', async (t) => {
  const { run } = await planned(t);
  const opened = openSteps(run);
  if (opened.isFinished) throw new Error('finished');
  const input = unitInput(await openUnitRun(opened, { environment: {} }, () => {}), {
    stage: 'scan',
    unit: 0,
  });
  await withContextHere(async ({ executor }) => {
    const other = executor.run('unit', { ...input, plan: 'ab' });
    await t.throwsAsync(other, { message: /its plan is another one than this process began with/ });
  });
});

test('a plan is made once, of what a run would be made of', async (t) => {
  const { run, model } = await planned(t);
  const plan = readFileSync(path.join(run, 'plan.json'));
  for (const more of [[], ['--ridge', '1e-3']]) {
    const { code, stderr } = await eigenshard('plan', '--model', model, '--out', run, ...more, '--quiet');
    t.is(code, 2);
    t.regex(stderr, /run: holds an unfinished run/);
  }
  t.deepEqual(readFileSync(path.join(run, 'plan.json')), plan);
  const error = await t.throwsAsync(stepHere(run, 'projection' as StageName), { instanceOf: InputError });
  t.regex(
    error.message,
    /has no stage projection; it has scan, identity, covariance, basis, project, verify, finish$/,
  );
  const absent = path.join(scratchDirectory(t), 'nothing');
  await t.throwsAsync(stepHere(absent, 'scan'), {
    message: /no run has been planned there. `eigenshard plan --out/,
  });
});

test('a run that was begun in steps is gone on with by --resume, and one that was interrupted in steps', async (t) => {
  const { run, model } = await planned(t);
  await stepsTo(run, 'basis');
  await stepHere(run, 'project', { index: 0, of: 2 });
  const notes: string[] = [];
  await runHere({ model, out: run, ...options }, { resume: true, notes });
  t.true(notes.includes('resuming: 5 of 9 partitions are done and intact'));
  await isAsOfOneProcess(t, run, model);

  const other = path.join(scratchDirectory(t), 'other');
  await t.throwsAsync(runHere({ model, out: other, ...options }, { interruptAt: 'verification' }));
  for (const stage of stages) await stepHere(other, stage);
  await isAsOfOneProcess(t, other, model);
});

test('a given metric has no covariance to compute, and one that is another by now is refused', async (t) => {
  const first = await planned(t);
  await stepsTo(first.run, 'finish');
  const metric = path.join(scratchDirectory(t), 'metric.safetensors');
  writeFileSync(metric, readFileSync(path.join(first.run, 'metric.safetensors')));
  const run = path.join(scratchDirectory(t), 'given');
  const config = await loadConfig(null, { model: first.model, metric, out: run, backend: 'portable' });
  await withContextHere((context) => writeRunPlan(config, { overwrite: false }, context));
  t.deepEqual(
    statusOf(run).stages.map(({ name }) => name),
    stages.filter((name) => name !== 'covariance'),
  );
  for (const stage of ['scan', 'identity'] as const) await stepHere(run, stage);
  const whole = readFileSync(metric);
  const changed = Uint8Array.from(whole);
  // The last byte is one of the mean row, which the metric does not need.
  changed[changed.length - 1]! ^= 1;
  writeFileSync(metric, changed);
  await t.throwsAsync(stepHere(run, 'basis'), { message: /is another metric than the run was planned with/ });
  writeFileSync(metric, whole);
  for (const stage of ['basis', 'project', 'verify', 'finish'] as const) await stepHere(run, stage);
  t.true((await verifyHere(run)).verification.passed);
});
