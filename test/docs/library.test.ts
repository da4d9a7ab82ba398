import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { transform } from 'esbuild';
import { codeBlocks, documentNamed, root } from '../helpers/documents.js';
import { npy, scratchDirectory } from '../helpers/fixtures.js';
import { shardedModel } from '../helpers/runs.js';

const examples = codeBlocks(documentNamed('docs/library.md'))
  .filter(({ language }) => language === 'ts')
  .map(({ code }) => code);

const [ROWS, HIDDEN] = [90, 8];

/** A folder with the checkpoint and the vector that the examples read. */
function exampleFolder(t: ExecutionContext): string {
  const folder = scratchDirectory(t);
  const model = path.join(folder, 'path/to/checkpoint');
  mkdirSync(path.dirname(model), { recursive: true });
  cpSync(shardedModel(t, ROWS, HIDDEN).directory, model, { recursive: true });
  const concept = Float32Array.from({ length: HIDDEN }, (_, j) => j - 3);
  const bytes = npy('<f4', [1, HIDDEN], new Uint8Array(concept.buffer));
  writeFileSync(path.join(folder, 'concepts.npy'), bytes);
  return folder;
}

/** Runs an example in a folder, with the library of this checkout; returns what it prints. */
async function runExample(
  t: ExecutionContext,
  folder: string,
  code: string,
): Promise<{ stdout: string; stderr: string }> {
  const { code: script } = await transform(code, { loader: 'ts', format: 'esm' });
  const library = pathToFileURL(path.join(root, 'dist/src/index.js')).href;
  const file = path.join(folder, 'example.mjs');
  writeFileSync(file, script.replaceAll(/from ["']eigenshard["']/g, `from ${JSON.stringify(library)}`));
  const { status, stdout, stderr } = spawnSync(process.execPath, [file], { cwd: folder, encoding: 'utf8' });
  t.is(status, 0, stderr);
  return { stdout, stderr };
}

test('the examples of docs/library.md run, one after the other, and find what the checkpoint holds', async (t) => {
  const [computes = '', opens = '', adds = '', searches = '', verifies = ''] = examples;
  t.is(examples.length, 5);
  const folder = exampleFolder(t);
  const { stdout, stderr } = await runExample(t, folder, computes);
  t.regex(stdout, /runs.mine is new lambda from [\d.]+ to [\d.]+, median [\d.]+\n$/);
  const stages = [...stderr.matchAll(/^(.+): [\d.]+ s$/gm)].map(([, stage]) => stage);
  t.true(stages.includes('projection'));
  const { text } = documentNamed('docs/library.md');
  for (const stage of stages) t.true(text.replaceAll(/\s+/g, ' ').includes(`\`${stage}\``), `stage ${stage}`);
  t.regex((await runExample(t, folder, computes)).stdout, /was there/);

  const [found = '', isSquare] = (await runExample(t, folder, opens)).stdout.trim().split('\n');
  const { causalNorm, stored, ...shape } = JSON.parse(found);
  t.deepEqual(shape, { rows: ROWS, hidden: HIDDEN, text: null });
  t.true(Math.abs(causalNorm / stored - 1) < 1e-12, `${causalNorm}, ${stored}`);
  t.is(isSquare, 'true');

  const added = (await runExample(t, folder, adds)).stdout;
  t.regex(
    added,
    /^made \[\s*'eigenbasis\.pt',\s*'projections\.pt',\s*'projections\.npy',\s*'tokens\.parquet'/,
  );
  t.regex(added, /was there \[\] has \[ 'npy', 'pt' \]\n$/);

  const searched = (await runExample(t, folder, searches)).stdout;
  t.regex(searched, /^found \d+\ncosine (?:\[ \d+, \d+, \d+ \]) \[[^\]]+\]\n0 \[ \d+, \d+, \d+ \]\n$/);

  const lines = (await runExample(t, folder, verifies)).stdout.trim().split('\n');
  t.regex(lines[0]!, new RegExp(`^lm_head.weight: ${ROWS} x ${HIDDEN} bfloat16 \\(rule 1`));
  t.is(lines[1], 'no tokenizer');
  t.is(lines.filter((line) => / passed \d/.test(line)).length, 9);
  t.is(lines.at(-1), 'true []');
});

test('the compiler takes the examples of docs/library.md as they are', (t) => {
  const folder = scratchDirectory(t);
  for (const [k, code] of examples.entries()) writeFileSync(path.join(folder, `example-${k}.ts`), code);
  writeFileSync(path.join(folder, 'package.json'), '{ "type": "module" }');
  const settings = {
    extends: path.join(root, 'tsconfig.json'),
    compilerOptions: {
      noEmit: true,
      rootDir: '/',
      typeRoots: [path.join(root, 'node_modules/@types')],
      paths: { eigenshard: [path.join(root, 'src/index.ts')] },
    },
    include: ['*.ts', path.join(root, 'src/linalg/webassembly.d.ts')],
    exclude: [],
  };
  writeFileSync(path.join(folder, 'tsconfig.json'), JSON.stringify(settings));
  const compiler = path.join(root, 'node_modules/typescript/bin/tsc');
  const { status, stdout } = spawnSync(process.execPath, [compiler, '-p', folder], { encoding: 'utf8' });
  t.is(status, 0, stdout);
});
