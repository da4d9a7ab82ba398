import { existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'ava';
import { conceptFolders } from '../../src/output/concept-folder.js';
import { openFolderStage } from '../../src/output/recorded-folder.js';
import { scratchDirectory } from '../helpers/fixtures.js';

test('the next stage of a kind removes what kills left of the others, and nothing that is not of the kind', (t) => {
  const run = scratchDirectory(t);
  const above = path.join(run, 'concepts');
  const folder = (name: string, ...files: string[]) => {
    mkdirSync(path.join(above, name), { recursive: true });
    for (const file of files) writeFileSync(path.join(above, name, file), 'x');
  };
  folder('.first.partial', 'pairs.parquet', '.concepts.json.1.partial');
  folder('.second.partial');
  folder('.own.partial', 'pairs.parquet');
  folder('.notes.partial', 'pairs.parquet', 'notes.txt');
  folder('finished', 'pairs.parquet', 'concepts.json');
  folder('partial', 'pairs.parquet');
  writeFileSync(path.join(above, '.file.partial'), 'x');
  const elsewhere = scratchDirectory(t);
  writeFileSync(path.join(elsewhere, 'pairs.parquet'), 'x');
  symlinkSync(elsewhere, path.join(above, '.link.partial'));
  const stage = openFolderStage(conceptFolders, run, { name: 'own', isReplaced: false });
  t.is(stage, path.join(above, '.own.partial'));
  t.deepEqual(readdirSync(stage), []);
  t.deepEqual(readdirSync(above).sort(), [
    '.file.partial',
    '.link.partial',
    '.notes.partial',
    '.own.partial',
    'finished',
    'partial',
  ]);
  t.deepEqual(readdirSync(path.join(above, '.notes.partial')).sort(), ['notes.txt', 'pairs.parquet']);
  t.true(existsSync(path.join(elsewhere, 'pairs.parquet')));
  t.deepEqual(readdirSync(path.join(above, 'finished')).sort(), ['concepts.json', 'pairs.parquet']);
});
