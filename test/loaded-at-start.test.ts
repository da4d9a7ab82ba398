import { readFileSync } from 'node:fs';
import path from 'node:path';
import test from 'ava';

/** Compiled, this file is dist/test/loaded-at-start.test.js of the checkout. */
const root = path.resolve(import.meta.dirname, '../..');

/** What is loaded with a compiled file, itself included, in the order of its imports: files of dist, and packages. */
function loadedWith(entry: string, loaded = new Set<string>()): Set<string> {
  if (loaded.has(entry)) return loaded;
  loaded.add(entry);
  const text = readFileSync(path.join(root, 'dist', entry), 'utf8');
  for (const [, target] of text.matchAll(/^(?:import|export)\b[^;'"=]*['"]([^'"]+)['"];$/gm)) {
    if (target!.startsWith('.')) loadedWith(path.join(path.dirname(entry), target!), loaded);
    else loaded.add(target!);
  }
  return loaded;
}

test('the command line loads no command but the one that is called, and no schema', (t) => {
  const loaded = [...loadedWith('src/cli.js')];
  const adding = loaded.filter((file) => file.endsWith('.js') && adds(file));
  t.true(loaded.length > 10, 'imports are found');
  t.deepEqual(adding, []);
  t.false(loaded.includes('zod'));
});

test('a step, and the thread that computes a unit, load what they need of a run alone', (t) => {
  const unneeded = [
    'src/linalg/eigh/eigh.js',
    'src/output/exports.js',
    'src/output/manifest.js',
    'src/input/tokenizer/open-tokenizer.js',
    'src/run/config.js',
    'cli-progress',
    'string-width',
  ];
  for (const entry of ['src/commands/step.js', 'src/run/step.js', 'workers/main.js', 'workers/unit.js']) {
    const loaded = loadedWith(entry);
    t.deepEqual(
      unneeded.filter((name) => loaded.has(name)),
      [],
      entry,
    );
  }
  t.false(loadedWith('workers/main.js').has('piscina'), 'a unit needs nothing of the pool');
});

/** Whether a file of dist adds a command to the program. */
function adds(file: string): boolean {
  return /export function add\w+Commands?\(/.test(readFileSync(path.join(root, 'dist', file), 'utf8'));
}
