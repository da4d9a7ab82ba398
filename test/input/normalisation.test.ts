import test from 'ava';
import { normalisationOf } from '../../src/input/normalisation.js';

test('the models that normalise their head are known by type, vocabulary or their own word', (t) => {
  const of = (modelType: string | null, vocabSize: number | null, saysNormHead = false) =>
    normalisationOf({ modelType, vocabSize }, saysNormHead);
  t.is(of('baichuan', 125_696), 'rows');
  t.is(of('baichuan_m1', 133_120), 'rows');
  t.is(of('baichuan', 64_000), null);
  t.is(of('bailing_moe', 126_464, true), 'columns');
  t.is(of('bailing_moe', 126_464), null);
  t.is(of('llama', 32_000), null);
  t.is(of(null, null), null);
});
