import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import test from 'ava';
import {
  codeBlocks,
  codeSpans,
  type Document,
  documentNamed,
  documents,
  root,
} from '../helpers/documents.js';

const folders = ['\\.ci', 'benchmarks', 'config', 'dist', 'docs', 'scripts', 'src', 'test', 'workers'];
const repositoryPath = new RegExp(`(?<![\\w./-])(?:${folders.join('|')})/[\\w./-]*\\w/?`, 'g');

/** The targets of the links of a document that lead into the project. */
function linksOf({ text }: Document): string[] {
  const prose = text.replaceAll(/^```[\s\S]*?^```$/gm, '').replaceAll(/`[^`]*`/g, '');
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target = '']) => target)
    .filter((target) => !/^[a-z]+:/.test(target));
}

/** The anchors of a document: its headings as GitHub calls them. */
function anchorsOf({ text }: Document): string[] {
  return [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

/** What a file of dist is compiled from; any other file itself. */
function sourceOf(name: string): string {
  return name.replace(/^dist\/(.*)\.js$/, '$1.ts');
}

test('every link leads to a file of the project, and to a heading where it names one', (t) => {
  for (const document of documents) {
    for (const link of linksOf(document)) {
      const [target = '', anchor] = link.split('#');
      const name = target === '' ? document.name : path.posix.join(path.posix.dirname(document.name), target);
      t.true(existsSync(path.join(root, name)), `${document.name}: ${link}`);
      if (anchor !== undefined)
        t.true(anchorsOf(documentNamed(name)).includes(anchor), `${document.name}: ${link}`);
    }
  }
});

test('every path of the project that a document names exists', (t) => {
  let found = 0;
  for (const document of documents) {
    const code = [...codeSpans(document), ...codeBlocks(document).map((block) => block.code)].join('\n');
    for (const [name] of code.matchAll(repositoryPath)) {
      found++;
      t.true(existsSync(path.join(root, sourceOf(name))), `${document.name}: ${name}`);
    }
  }
  t.true(found > 50, `${found} paths are found`);
});

test('the README has at most 130 lines, and neither it nor CONTRIBUTING.md one of more than 120 columns', (t) => {
  const linesOf = (name: string) => documentNamed(name).text.trimEnd().split('\n');
  t.true(linesOf('README.md').length <= 130, `${linesOf('README.md').length} lines`);
  for (const name of ['README.md', 'CONTRIBUTING.md']) {
    const wide = linesOf(name).filter((line) => [...line].length > 120);
    t.deepEqual(wide, [], name);
  }
});

test('the README leads to every page of docs', (t) => {
  const links = linksOf(documentNamed('README.md'));
  const pages = readdirSync(path.join(root, 'docs')).map((name) => `docs/${name}`);
  t.deepEqual(
    pages.filter((page) => !links.includes(page)),
    [],
  );
});

test('docs/architecture.md has a sentence for every room', (t) => {
  const rooms = readdirSync(path.join(root, 'src'), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => `src/${name}/`);
  const named = [...documentNamed('docs/architecture.md').text.matchAll(/^\| `([\w/]+)` +\| \S/gm)];
  t.deepEqual(named.map(([, room]) => room).toSorted(), [...rooms, 'workers/'].toSorted());
});
