import { readFileSync } from 'node:fs';
import path from 'node:path';
import test from 'ava';
import { start } from '../helpers/cli.js';
import { scratchDirectory } from '../helpers/fixtures.js';
import { runHere, shardedModel } from '../helpers/runs.js';

/** Variables with which a child process cannot load onnxruntime-node, as on musl. */
function withoutOnnxruntime(): Record<string, string> {
  const resolve = `export async function resolve(specifier, context, next) {
    if (specifier !== 'onnxruntime-node') return next(specifier, context);
    throw Object.assign(new Error('Error loading shared library ld-linux-x86-64.so.2'), { code: 'ERR_DLOPEN_FAILED' });
  }`;
  const hook = `import { register } from 'node:module';
    register(${JSON.stringify(`data:text/javascript,${encodeURIComponent(resolve)}`)});`;
  return { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(hook)}` };
}

test('what multiplies nothing works where onnxruntime cannot be loaded', async (t) => {
  const { directory: model } = shardedModel(t, 40, 8);
  const out = path.join(scratchDirectory(t), 'run');
  await runHere({ model, out });
  for (const args of [
    ['--version'],
    ['--help'],
    ['verify', '--help'],
    ['inspect', model],
    ['inspect', out],
    ['sql', out, 'SELECT count(*) FROM tokens'],
    ['top', out, '--eigenvector', '0'],
    ['report', out],
    ['cache', 'list'],
  ]) {
    const { code, stderr } = await start(args, { ...withoutOnnxruntime(), EIGENSHARD_CACHE: out }).ended;
    t.is(code, 0, `${args.join(' ')}: ${stderr}`);
  }
});

test('a run says in one line why it cannot multiply, and what to use', async (t) => {
  const { directory: model } = shardedModel(t, 40, 8);
  const out = path.join(scratchDirectory(t), 'run');
  const args = ['--model', model, '--out', out, '--backend', 'portable', '--quiet'];
  const { code, stderr } = await start(args, withoutOnnxruntime()).ended;
  t.is(code, 1, stderr);
  t.regex(stderr, /onnxruntime-node, which multiplies, cannot be loaded here \(Error loading shared library/);
  t.regex(stderr, /glibc.*not of Alpine/);
  t.false(/^ +at /m.test(stderr), stderr);
});

test('only one module names onnxruntime-node as something to load', (t) => {
  const source = readFileSync(new URL('../../src/linalg/onnxruntime.js', import.meta.url), 'utf8');
  t.is(source.split("import('onnxruntime-node')").length, 2);
});
