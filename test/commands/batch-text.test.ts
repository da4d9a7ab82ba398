import test from 'ava';
import { failuresText, planRows, planText } from '../../src/commands/batch-text.js';
import { plannedRuns, planOf } from '../helpers/batches.js';
import { shardedModel } from '../helpers/runs.js';

const needs = [{ place: '/data', neededBytes: 5e9, freeBytes: 2e12 }];

test('a plan shows each run, each disk, and why a run cannot begin', async (t) => {
  const { directory: model } = shardedModel(t, 60, 8);
  const plan = await planOf(t, { runs: [{ model }, { model: 'no/such' }] });
  const text = planText(plan, needs);
  t.regex(text, /\n1 +sharded +60 x 8 +bfloat16 +new +0 B +[\d.]+ kB +[\d.]+ MB +sharded-[0-9a-f]{10}\n/);
  t.regex(text, /\n2 +no\/such +refused\n/);
  t.regex(text, /\n\[2\/2\] no\/such: .*no\/such/);
  t.true(text.endsWith('\n/data: needs 5.00 GB, 2.00 TB free'));
  t.notRegex(text, /warning/);
});

test('a run that may need more memory than there is is warned of, with what to do', async (t) => {
  const { directory: model } = shardedModel(t, 60, 8);
  const plan = await planOf(t, { runs: [{ model }] });
  const text = planText(plan, needs, plannedRuns(plan)[0]!.memoryBytes - 1);
  t.regex(
    text,
    /warning: \[1\/1\] sharded needs about [\d.]+ MB of memory, .*lower "partitionRows" or "workers"/,
  );
});

test('a plan as data has the bytes', async (t) => {
  const { directory: model } = shardedModel(t, 60, 8);
  const plan = await planOf(t, { runs: [{ model }, { model: 'no/such' }] });
  const [one, two] = planRows(plan);
  const diskBytes = plannedRuns({ ...plan, runs: plan.runs.slice(0, 1) })[0]!.files.reduce(
    (sum, file) => sum + file.bytes,
    0,
  );
  t.like(one, { model: 'sharded', rows: 60, columns: 8, state: 'new', bytesToDownload: 0, diskBytes });
  t.like(two, { model: 'no/such', state: 'refused' });
});

test('a batch without failures has nothing to say of them', (t) => {
  t.is(failuresText([]), null);
});
