import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import test from 'ava';

/** Compiled, this file is dist/test/import-order.test.js of the checkout. */
const root = path.resolve(import.meta.dirname, '../..');

/** The rooms of src; a room imports from itself and from lines below its own. A loose file of src is a room. */
const order = [
  ['cli'],
  ['commands'],
  ['batch', 'index'],
  ['run'],
  ['report', 'queries'],
  ['executor'],
  ['output'],
  ['checks', 'tables'],
  ['input'],
  ['linalg'],
  ['formats', 'hub'],
  ['files'],
  ['plan', 'text'],
  ['errors', 'version'],
];

/** What runs inside worker threads may take; nobody imports it, for the executor names its entry by URL. */
const takenByWorkers = new Set(order.slice(order.findIndex((rooms) => rooms.includes('report'))).flat());

/** What a file imports from another room of the project, also by `import()` and for types alone. */
function importsOf(file: string): string[] {
  const text = readFileSync(path.join(root, file), 'utf8');
  return [...text.matchAll(/(?:\bfrom|\bimport|\bimport\()\s*'(\.[^']+)'/g)].map(([, target]) =>
    path.relative(root, path.resolve(root, path.dirname(file), target!)),
  );
}

/** 'linalg' of src/linalg/eigh/eigh.ts, 'errors' of src/errors.js, 'workers' of workers/scan.ts. */
function roomOf(file: string): string {
  const [top, room] = file.split(path.sep);
  return top === 'src' ? room!.replace(/\.[jt]s$/, '') : top!;
}

const files = ['src', 'workers'].flatMap((folder) =>
  readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.includes('assembly'))
    .map((name) => path.join(folder, name)),
);

test('every import runs to a room below its own', (t) => {
  const level = (room: string) => order.findIndex((rooms) => rooms.includes(room));
  const isAllowed = (from: string, to: string) =>
    from === to ||
    (from === 'workers' ? takenByWorkers.has(to) : level(from) >= 0 && level(to) > level(from));
  const arrows = files.flatMap((file) => importsOf(file).map((target) => ({ file, target })));
  t.true(arrows.length > files.length, 'imports are found');
  const wrong = arrows.filter(({ file, target }) => !isAllowed(roomOf(file), roomOf(target)));
  t.deepEqual(wrong, []);
});

test('no files import each other in a circle', (t) => {
  const targets = new Map(
    files.map((file) => [file, importsOf(file).map((target) => target.replace(/\.js$/, '.ts'))]),
  );
  const finished = new Set<string>();
  const circles: string[][] = [];
  const visit = (file: string, way: readonly string[]) => {
    if (way.includes(file)) circles.push([...way.slice(way.indexOf(file)), file]);
    else if (!finished.has(file)) {
      for (const target of targets.get(file) ?? []) visit(target, [...way, file]);
      finished.add(file);
    }
  };
  for (const file of files) visit(file, []);
  t.deepEqual(circles, []);
});
