import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'ava';
import { InputError } from '../../src/errors.js';
import { type PlanOfRun, parsePlan, planLine, readPlan, writePlan } from '../../src/output/run-plan.js';
import { directoryStore } from '../../src/output/run-store.js';
import { scratchDirectory } from '../helpers/fixtures.js';
import { npyExport, samplePlan } from '../helpers/sample-plan.js';

const { checkpoint } = samplePlan();

/** Plans with everything that a plan can say. */
const plans: Readonly<Record<string, PlanOfRun>> = {
  'a computed metric': samplePlan(),
  'a given metric': samplePlan({
    metric: {
      source: 'file',
      path: '/metrics/γ.pt',
      tensor: null,
      dtype: 'float32',
      sha256: 'ab'.repeat(32),
      ridge: null,
      asymmetry: { max: 1e-9, relative: 2e-12 },
    },
    exports: [npyExport('/elsewhere/γ.npy'), { kind: 'pt', holds: 'eigenbasis', path: 'eigenbasis.pt' }],
    report: true,
  }),
  'rows that are normalised': samplePlan({
    checkpoint: { ...checkpoint, source: { ...checkpoint.source, divisor: 'norm' } },
  }),
  'columns that are divided': samplePlan({
    checkpoint: {
      ...checkpoint,
      source: { ...checkpoint.source, divisor: Float64Array.from({ length: 64 }, (_, k) => 1 / (k + 3)) },
      notes: ['a remark'],
    },
    choice: { backend: 'system', library: '/lib/blas.so', lapack: null, float32: 'system', sums: 'portable' },
  }),
};

for (const [what, plan] of Object.entries(plans)) {
  test(`a plan of ${what} is read back as it was written`, (t) => {
    const directory = scratchDirectory(t);
    const store = directoryStore(directory, { durable: false, lock: null });
    t.is(readPlan(store, directory), null);
    const written = writePlan(store, directory, plan);
    const { units, stages, sha256, ...read } = readPlan(store, directory)!;
    t.deepEqual(read, plan);
    t.deepEqual({ ...read, units, stages, sha256 }, written);
    t.is(planLine(read), planLine(plan));
    t.deepEqual(parsePlan(planLine(plan), 'here'), written);
  });
}

test('what follows from a plan is not written but told anew: ranges, partitions, stages', (t) => {
  const computed = parsePlan(planLine(plans['a computed metric']!), 'here');
  t.deepEqual(
    computed.units.partitions.map(({ rows }) => rows),
    [
      { first: 0, count: 1000 },
      { first: 1000, count: 500 },
    ],
  );
  t.deepEqual(
    computed.stages.map(({ name }) => name),
    ['scan', 'identity', 'covariance', 'basis', 'project', 'verify', 'finish'],
  );
  const given = parsePlan(planLine(plans['a given metric']!), 'here');
  t.false(given.stages.some(({ name }) => name === 'covariance'));
  t.not(given.sha256, computed.sha256);
});

test('the same plan may be published twice, and another one is refused', (t) => {
  const directory = scratchDirectory(t);
  const store = directoryStore(directory, { durable: false, lock: null });
  const first = writePlan(store, directory, samplePlan());
  t.deepEqual(writePlan(store, directory, samplePlan()), first);
  t.throws(() => writePlan(store, directory, samplePlan({ started: '2025-01-01T00:00:00.000Z' })), {
    instanceOf: InputError,
    message: `${directory}: holds the plan of another run. Choose another --out, or start again with --overwrite`,
  });
  t.deepEqual(readPlan(store, directory), first);
});

test('any byte of a plan that is another one, and any that is missing, is noticed', (t) => {
  const directory = scratchDirectory(t);
  const store = directoryStore(directory, { durable: false, lock: null });
  writePlan(store, directory, samplePlan());
  const file = path.join(directory, 'plan.json');
  const whole = readFileSync(file);
  const refused = {
    instanceOf: InputError,
    message: new RegExp(`^${file}: is no plan as this version writes it; .* Start again with --overwrite`),
  };
  // The last byte is the end of the line.
  for (let at = 0; at < whole.length - 1; at++) {
    const damaged = Buffer.from(whole);
    damaged[at]! ^= 1;
    writeFileSync(file, damaged);
    t.throws(() => readPlan(store, directory), refused, `byte ${at}`);
    writeFileSync(file, whole.subarray(0, at));
    t.throws(() => readPlan(store, directory), refused, `${at} bytes`);
  }
  writeFileSync(file, whole);
  t.not(readPlan(store, directory), null);
});
