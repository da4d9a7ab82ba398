import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { productRounding } from '../../src/checks/rounding.js';
import { InputError } from '../../src/errors.js';
import { ThreadExecutor } from '../../src/executor/threads.js';
import { type NormRule, normTraits } from '../../src/input/norm/norm-rules.js';
import { loadConfig, type Overrides } from '../../src/run/config.js';
import type { FinishedRun } from '../../src/run/coordinator.js';
import { silentProgress } from '../../src/run/progress.js';
import { step } from '../../src/run/step.js';
import { Stopwatch } from '../../src/run/stopwatch.js';
import { writeRunPlan } from '../../src/run/write-plan.js';
import { answer } from '../helpers/answers.js';
import { scratchDirectory } from '../helpers/fixtures.js';
import {
  covarianceByDefinition,
  foldedByDefinition,
  type NormedModel,
  normedModel,
  normedNames,
} from '../helpers/normed-model.js';
import { dataFiles, offlineHub, readBasis, readProjections, runHere, verifyHere } from '../helpers/runs.js';
import { sameFiles } from '../helpers/same-files.js';
import { readTables } from '../helpers/tables.js';

const SIZE = { rows: 300, hidden: 12 };
const { rows: ROWS, hidden: D } = SIZE;
const RIDGE = 1e-6;

/** Runs a checkpoint with its norm folded in. */
function foldedRun(t: ExecutionContext, model: NormedModel, overrides: object = {}): Promise<FinishedRun> {
  const out = path.join(scratchDirectory(t), 'run');
  return runHere({
    ...{ model: model.directory, out, foldNorm: 'yes', partitionRows: 128, top: 5, report: false },
    ...overrides,
  });
}

/** Plans a run and computes it stage by stage, each from what lies on the disk. */
async function computedInSteps(overrides: Overrides & { out: string }): Promise<void> {
  const executor = new ThreadExecutor({ workers: 2 });
  const context = { executor, stopwatch: new Stopwatch(silentProgress), note: () => {}, hub: offlineHub };
  try {
    const config = await loadConfig(null, { backend: 'portable', ...overrides });
    const { plan } = await writeRunPlan(config, { overwrite: false }, context);
    for (const { name } of plan.stages)
      await step(overrides.out, name, { share: null, allowMixed: false, environment: {} }, context);
  } finally {
    await executor.close();
  }
}

function dot(values: Float64Array | Float32Array, i: number, k: number): number {
  let sum = 0;
  for (let j = 0; j < D; j++) sum += values[i * D + j]! * values[k * D + j]!;
  return sum;
}

/** gamma_i . b of every row. */
function timesBias(gamma: Float32Array, bias: Float32Array): Float64Array {
  return Float64Array.from({ length: ROWS }, (_, i) =>
    bias.reduce((sum, b, j) => sum + gamma[i * D + j]! * b, 0),
  );
}

for (const [modelType, rule] of [
  ['llama', 'rms'],
  ['gemma3_text', 'rms-one-plus'],
  ['gpt2', 'layer'],
  ['nemotron', 'layer-one-plus'],
] as const satisfies readonly (readonly [string, NormRule])[]) {
  const { isOnePlus, isCentred } = normTraits[rule];

  test(`a run with the norm of ${modelType} folded in is one of W D, and is verified as such`, async (t) => {
    const config = { model_type: modelType, hidden_size: D };
    const model = normedModel(t, config, SIZE, { normBias: isCentred, headBias: true });
    const { directory, manifest } = await foldedRun(t, model);
    t.true(manifest.verification.passed);
    t.like(manifest.model.norm, { rule, tensor: `${normedNames.norm}.weight`, dtype: 'float32' });
    t.is(manifest.model.norm?.bias?.tensor, isCentred ? `${normedNames.norm}.bias` : undefined);
    t.regex(
      manifest.model.notes.join('\n'),
      /the final norm transformer\.ln_f\.weight is folded into the rows/,
    );

    const factors = Float64Array.from(model.weight, (w) => w + (isOnePlus ? 1 : 0));
    const expected = foldedByDefinition(model.gamma, factors, isCentred);
    const { values } = await readProjections(directory);
    let worst = 0;
    for (let i = 0; i < ROWS; i++) {
      for (const k of [i, (7 * i + 1) % ROWS]) {
        const scale = Math.sqrt(dot(expected, i, i) * dot(expected, k, k));
        worst = Math.max(worst, Math.abs(dot(values, i, k) - dot(expected, i, k)) / scale);
      }
    }
    t.log(`products of rows are off by ${worst.toExponential(2)}`);
    t.true(worst <= 4 * productRounding(D));

    // C is folded in float64: its trace and that of its square are those of the definition, to rounding.
    const { eigenvalues } = await readBasis(directory, D);
    const c = eigenvalues.map((lambda) => 1 / lambda - RIDGE);
    const { covariance } = covarianceByDefinition(expected, D);
    const trace = covariance.reduce((sum, value, k) => sum + (k % (D + 1) === 0 ? value : 0), 0);
    const squares = covariance.reduce((sum, value) => sum + value * value, 0);
    t.true(Math.abs(c.reduce((a, b) => a + b) / trace - 1) <= 1e-12);
    t.true(Math.abs(c.reduce((a, b) => a + b * b, 0) / squares - 1) <= 1e-12);
    t.is(manifest.eigenvalues.rank, isCentred ? D - 1 : D);
    if (isCentred) {
      t.true(Math.abs(eigenvalues[D - 1]! * RIDGE - 1) <= 1e-9, 'lambda = 1 / rho where c = 0');
      t.is(manifest.eigenvalues.ridgeBound, 1);
    }

    const offset = isCentred ? timesBias(model.gamma, model.normBias) : new Float64Array(ROWS);
    const { tokens } = await readTables(directory);
    const bias = tokens.map((row) => row.logit_bias as number);
    for (let i = 0; i < ROWS; i++) t.true(Math.abs(bias[i]! - (model.headBias[i]! + offset[i]!)) <= 1e-14);
    const { logitBias } = manifest.tables!.summary;
    t.true(Math.abs(logitBias!.mean - bias.reduce((a, b) => a + b) / ROWS) <= 1e-15);
    t.true((await verifyHere(directory)).verification.passed);
  });
}

test('a folded norm without a ridge leaves the causal norms of a run as they are', async (t) => {
  const model = normedModel(t, { model_type: 'llama', hidden_size: D }, SIZE);
  const runs = await Promise.all(
    (['no', 'yes'] as const).map((foldNorm) => foldedRun(t, model, { foldNorm, ridge: 0 })),
  );
  const [plain, folded] = await Promise.all(
    runs.map(async ({ directory }) => (await readTables(directory)).tokens),
  );
  for (let i = 0; i < ROWS; i++) {
    const [a, b] = [plain![i]!.causal_norm as number, folded![i]!.causal_norm as number];
    // Projections are float32.
    t.true(Math.abs(a / b - 1) <= 1e-5, `token ${i}: ${a}, ${b}`);
    t.is(folded![i]!.logit_bias, null);
  }
  t.not(runs[0]!.manifest.fingerprint, runs[1]!.manifest.fingerprint);
  t.true(
    Math.abs(runs[0]!.manifest.norms.euclidean.mean / runs[1]!.manifest.norms.euclidean.mean - 1) > 0.01,
  );
});

test('a LayerNorm without a ridge is refused, because it leaves a direction without variance', async (t) => {
  const model = normedModel(t, { model_type: 'gpt2', hidden_size: D }, SIZE, { normBias: true });
  await t.throwsAsync(foldedRun(t, model, { ridge: 0 }), {
    instanceOf: InputError,
    message: /the covariance is rank deficient.*Give a --ridge above/,
  });
});

test('a norm that has changed is noticed, by a run that goes on and by a verification', async (t) => {
  const model = normedModel(t, { model_type: 'gpt2', hidden_size: D }, SIZE, { normBias: true });
  const { directory, manifest } = await foldedRun(t, model);
  const again = await foldedRun(t, model, { out: directory }).catch((error: Error) => error);
  t.regex(String(again), /--resume/);
  const resumed = await runHere(
    { model: model.directory, out: directory, foldNorm: 'yes', partitionRows: 128, top: 5, report: false },
    { resume: true },
  );
  t.true(resumed.finishedBefore);
  t.is(resumed.manifest.fingerprint, manifest.fingerprint);

  const file = path.join(model.directory, 'model.safetensors');
  const bytes = readFileSync(file);
  const place = bytes.indexOf(Buffer.from(model.normBias.buffer));
  bytes[place + 3]! ^= 0x80;
  writeFileSync(file, bytes);
  await t.throwsAsync(verifyHere(directory), {
    instanceOf: InputError,
    message: /is not what this run was made from \(the final norm differs\)/,
  });
  const options = {
    model: model.directory,
    out: directory,
    foldNorm: 'yes',
    partitionRows: 128,
    top: 5,
  } as const;
  await t.throwsAsync(runHere(options, { resume: true }), {
    instanceOf: InputError,
    message: /--fold-norm yes \(layer, SHA-256 (\w+), bias SHA-256 \w+\) -> yes \(layer, SHA-256 \1, bias/,
  });
  await t.throwsAsync(runHere({ ...options, foldNorm: 'no' }, { resume: true }), {
    instanceOf: InputError,
    message: /--fold-norm yes \(layer, .*\) -> no/,
  });
});

test('a LayerNorm is folded at sizes at which its constant eigenvector is rounded', async (t) => {
  for (const hidden of [48, 96]) {
    const model = normedModel(t, { model_type: 'gpt2', hidden_size: hidden }, { rows: 300, hidden });
    const out = scratchDirectory(t);
    const { directory } = await runHere({ model: model.directory, out, foldNorm: 'yes', tables: 'none' });
    t.true((await verifyHere(directory)).verification.passed);
  }
});

test('a logit bias that has changed is noticed, by a run that goes on and by a verification', async (t) => {
  const model = normedModel(t, { model_type: 'gpt2', hidden_size: D }, SIZE, { headBias: true });
  const options = {
    model: model.directory,
    out: scratchDirectory(t),
    partitionRows: 128,
    top: 5,
    report: false,
  };
  const { directory } = await runHere(options);
  t.true((await runHere(options, { resume: true })).finishedBefore);
  const file = path.join(model.directory, 'model.safetensors');
  const bytes = readFileSync(file);
  bytes[bytes.indexOf(Buffer.from(model.headBias.buffer)) + 2]! ^= 0x40;
  writeFileSync(file, bytes);
  await t.throwsAsync(verifyHere(directory), { message: /\(the bias of the logits differs\)/ });
  await t.throwsAsync(runHere(options, { resume: true }), {
    instanceOf: InputError,
    message: /the bias of the logits, lm_head\.bias, is another one by now/,
  });
});

test('a run with a norm folded in, computed in steps, is that of one process, and shows what was folded', async (t) => {
  const model = normedModel(t, { model_type: 'new_one', hidden_size: D }, SIZE, {
    normBias: true,
    headBias: true,
  });
  const options = { normRule: 'layer' } as const;
  const whole = await foldedRun(t, model, options);
  const out = path.join(scratchDirectory(t), 'steps');
  await computedInSteps({
    ...{ model: model.directory, out, foldNorm: 'yes', partitionRows: 128, top: 5, report: false },
    ...options,
  });
  sameFiles(t, dataFiles(out), dataFiles(whole.directory));
  const { stdout } = await answer('inspect', out);
  t.regex(
    stdout,
    /final norm folded in: transformer\.ln_f\.weight \(SHA-256 [0-9a-f]{12}\) with transformer\.ln_f\.bias .*, LayerNorm by w/,
  );
  t.regex(stdout, /logit bias -?\d/);
});

test('inspect and a dry run show what would be folded, or why nothing can be', async (t) => {
  const model = normedModel(t, { model_type: 'gemma2', hidden_size: D }, SIZE, { headBias: true });
  const shown = await answer('inspect', model.directory);
  t.regex(
    shown.stdout,
    /final norm, for --fold-norm yes: transformer\.ln_f\.weight, float32, RMSNorm by \(1 \+ w\), by model_type gemma2/,
  );
  t.regex(shown.stdout, /logit bias: lm_head\.bias, float32/);
  const out = path.join(scratchDirectory(t), 'run');
  const dry = await answer(
    '--model',
    model.directory,
    '--out',
    out,
    '--fold-norm',
    'yes',
    '--dry-run',
    '--quiet',
  );
  t.regex(dry.stdout, /final norm +transformer\.ln_f\.weight folded into the rows: RMSNorm by \(1 \+ w\)/);
  const unknown = normedModel(t, { model_type: 'new_one', hidden_size: D }, SIZE);
  const other = await answer('inspect', unknown.directory);
  t.regex(
    other.stdout,
    /final norm, for --fold-norm yes: cannot be folded: .*model_type new_one, which is not known/,
  );
  const refused = await answer('--model', unknown.directory, '--out', out, '--fold-norm', 'yes', '--quiet');
  t.is(refused.code, 2);
  t.regex(refused.stderr, /say it with --norm-rule rms\|rms-one-plus\|layer\|layer-one-plus/);
});

test('a rule of a norm that is not folded, and a made-up checkpoint with one, are refused', async (t) => {
  const out = scratchDirectory(t);
  await t.throwsAsync(runHere({ model: 'x', out, normRule: 'rms' }), {
    message: /--norm-rule says what the final norm is, which is not folded/,
  });
  const { code, stderr } = await answer('--fold-norm', 'yes', '--out', path.join(out, 'run'), '--quiet');
  t.is(code, 2);
  t.regex(stderr, /a made-up checkpoint has no final norm/);
});
