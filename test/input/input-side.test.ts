import { writeFileSync } from 'node:fs';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { InputError } from '../../src/errors.js';
import { inspectModel } from '../../src/input/inspect-model.js';
import { openCheckpoint } from '../../src/input/open-checkpoint.js';
import { readManifest } from '../../src/output/manifest.js';
import { identityOfManifest } from '../../src/output/manifest-identity.js';
import { fingerprintOf } from '../../src/run/identity.js';
import { checkpointDirectory, matrix } from '../helpers/checkpoints.js';
import { compareHere } from '../helpers/compared-runs.js';
import { float32Bytes, npy, safetensors, scratchDirectory, scratchFile } from '../helpers/fixtures.js';
import { randomFloat32 } from '../helpers/random.js';
import { runHere, verifyHere } from '../helpers/runs.js';

const input = { side: 'input' } as const;

test('the input embedding of an untied model is found where the unembedding would be, in one file and in shards', async (t) => {
  const config = { model_type: 'llama', hidden_size: 3, vocab_size: 4, tie_word_embeddings: false };
  const [embedding, head] = [matrix('model.embed_tokens.weight'), matrix('lm_head.weight')];
  for (const contents of [
    { config, single: [head, embedding] },
    { config, shards: { 'a.safetensors': [head], 'b.safetensors': [embedding] } },
  ]) {
    const directory = checkpointDirectory(t, contents);
    t.is((await openCheckpoint(directory)).source.tensor, 'lm_head.weight');
    const { source, notes, logitBias, normalisation } = await openCheckpoint(directory, input);
    t.is(source.tensor, 'model.embed_tokens.weight');
    t.deepEqual([notes, logitBias, normalisation], [[], null, null]);
    const { reason, norm } = await inspectModel(directory, input);
    t.regex(reason, /^rule \d+ of \d+: the input embedding \(Llama/);
    t.regex(
      norm.problem!,
      /before the matrix that the model unembeds with, which model.embed_tokens.weight is not/,
    );
  }
});

test('of tied embeddings both sides have one matrix, and that is said', async (t) => {
  for (const [config, single] of [
    [
      { hidden_size: 3, tie_word_embeddings: true },
      [matrix('model.embed_tokens.weight'), matrix('lm_head.weight')],
    ],
    [{ hidden_size: 3 }, [matrix('transformer.wte.weight')]],
  ] as const) {
    const directory = checkpointDirectory(t, { config, single: [...single] });
    const { source, notes } = await openCheckpoint(directory, input);
    t.is(source.tensor, single[0].name);
    t.regex(notes.join(), /the embeddings are tied: .* is the unembedding matrix too/);
  }
  const silent = checkpointDirectory(t, {
    single: [matrix('lm_head.weight'), matrix('transformer.wte.weight')],
  });
  t.deepEqual((await openCheckpoint(silent, input)).notes, []);
});

test('no other matrix is taken for the input embedding', async (t) => {
  const refused = async (
    place: string,
    message: RegExp,
    asked: Parameters<typeof openCheckpoint>[1] = input,
  ) => t.throwsAsync(openCheckpoint(place, asked), { instanceOf: InputError, message });
  const bare = (name: string) => scratchFile(t, 'a.safetensors', safetensors([matrix(name)]));
  await refused(
    checkpointDirectory(t, { single: [matrix('lm_head.weight')] }),
    /no input embedding under a known name/,
  );
  await refused(
    bare('anything'),
    /no input embedding under a known name; name one with --tensor, of: anything/,
  );
  t.is((await openCheckpoint(bare('anything'), { ...input, tensor: 'anything' })).source.tensor, 'anything');
  t.is((await openCheckpoint(bare('wte.weight'), input)).source.tensor, 'wte.weight');
  const quantised = { ...matrix('model.embed_tokens.qweight'), dtype: 'BF16' };
  await refused(
    checkpointDirectory(t, { single: [quantised, matrix('lm_head.weight')] }),
    /the embedding model.embed_tokens is there, but not as a matrix/,
  );
  await refused(
    bare('lm_head.weight'),
    /lm_head.weight is an unembedding matrix, and --side input asks for the other/,
    {
      ...input,
      tensor: 'lm_head.weight',
    },
  );
  await refused(
    scratchFile(t, 'a.npy', npy('<f4', [2, 2], float32Bytes([1, 2, 3, 4]))),
    /does not say on which side/,
  );
  await t.throwsAsync(inspectModel(bare('wte.weight'), { side: 'both' } as never), {
    message: /(--side|"side") is "both": expected output or input/,
  });
});

/** A checkpoint whose two matrices differ in some rows. */
function untiedModel(t: ExecutionContext): string {
  const directory = scratchDirectory(t);
  const [rows, d] = [50, 6];
  const head = randomFloat32(rows * d, 71);
  const embedding = head.slice();
  embedding.set(randomFloat32(20 * d, 72));
  const tensor = (name: string, values: Float32Array<ArrayBuffer>) => ({
    ...{ name, dtype: 'F32', shape: [rows, d] },
    data: new Uint8Array(values.buffer),
  });
  writeFileSync(
    path.join(directory, 'model.safetensors'),
    safetensors([tensor('model.embed_tokens.weight', embedding), tensor('lm_head.weight', head)]),
  );
  const config = { model_type: 'llama', hidden_size: d, vocab_size: rows, tie_word_embeddings: false };
  writeFileSync(path.join(directory, 'config.json'), JSON.stringify(config));
  return directory;
}

test('a run of the input side records it, is verified as such, and is compared with the output side by id', async (t) => {
  const [model, scratch] = [untiedModel(t), scratchDirectory(t)];
  const [output, embedding] = [path.join(scratch, 'output'), path.join(scratch, 'input')];
  await runHere({ model, out: output, tables: 'none' });
  await runHere({ model, out: embedding, tables: 'none', side: 'input' });
  const [one, other] = [readManifest(output), readManifest(embedding)];
  t.deepEqual([one.options.side, other.options.side], ['output', 'input']);
  t.deepEqual([one.model.tensor, other.model.tensor], ['lm_head.weight', 'model.embed_tokens.weight']);
  t.not(one.fingerprint, other.fingerprint);
  t.is(fingerprintOf(identityOfManifest(other)), other.fingerprint);
  t.true((await verifyHere(embedding)).verification.passed);
  await t.throwsAsync(runHere({ model, out: embedding, tables: 'none' }, { resume: true }), {
    message: /--side input -> output/,
  });

  const { comparison } = await compareHere(output, embedding, path.join(scratch, 'both'), { sample: 5 });
  t.deepEqual([comparison.a.side, comparison.b.side, comparison.tokens.by], ['output', 'input', 'id']);
  t.is(comparison.figures.displacement!.moved, 20);

  await t.throwsAsync(runHere({ model, out: path.join(scratch, 'x'), side: 'input', foldNorm: 'yes' }), {
    instanceOf: InputError,
    message: /not before the input embedding/,
  });
});
