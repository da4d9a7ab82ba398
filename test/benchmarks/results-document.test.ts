import test from 'ava';
import { resultsDocument, resultsSections, withBlock } from '../../benchmarks/results-document.js';

const block = (processor: string, output = 'one line') => ({
  processor,
  machine: 'a machine, a day',
  output,
});
const products = {
  title: 'Products',
  command: 'node product.js --runs 1',
  blocks: [block('A family 26', 'a table\n\nand a row'), block('A family 25')],
};
const writers = { title: 'Writers', command: 'node writers.js', blocks: [] };

test('what is read of a document is what was written', (t) => {
  for (const sections of [[], [products], [writers, products, { ...writers, title: 'Scaling' }]])
    t.deepEqual(resultsSections(resultsDocument(sections)), sections);
});

test('a section has its title, its command and its blocks, or says that it was not run', (t) => {
  const [, ours, theirs] = resultsDocument([products, writers]).split(/^(?=## )/m);
  t.is(
    ours,
    '## Products\n\n`node product.js --runs 1`\n\n' +
      '### A family 26\n\na machine, a day\n\n```\na table\n\nand a row\n```\n\n' +
      '### A family 25\n\na machine, a day\n\n```\none line\n```\n\n',
  );
  t.is(theirs, '## Writers\n\n`node writers.js`\n\nNot run yet.\n');
});

test('lines of an output that look like headings stay lines of it', (t) => {
  const odd = [
    { ...products, blocks: [block('A family 26', '## Writers\n\n`node`\n\n### A family 25\n\nline')] },
  ];
  t.deepEqual(resultsSections(resultsDocument(odd)), odd);
});

test('a block replaces the one of its kind of processor and no other', (t) => {
  const [newer, older] = products.blocks;
  t.deepEqual(withBlock(products, block('A family 26', 'new')).blocks, [block('A family 26', 'new'), older!]);
  t.deepEqual(withBlock(products, block('A family 25', 'new')).blocks, [newer!, block('A family 25', 'new')]);
  t.is(products.blocks.length, 2);
});

test('blocks stand in one order, the newest family first, whichever was run first', (t) => {
  const names = ['A family 25', 'B family 6', 'A family 100', 'A family 26'];
  for (const order of [names, names.toReversed()]) {
    const { blocks } = order.map((name) => block(name)).reduce(withBlock, writers);
    t.deepEqual(
      blocks.map(({ processor }) => processor),
      ['B family 6', 'A family 100', 'A family 26', 'A family 25'],
    );
  }
});
