/**
 * Runs the subjects one after the other and writes what they print to benchmarks/RESULTS.md, with the machine and
 * the date. What stands there of other kinds of processors stays. Takes the better part of an hour; the machine should
 * have nothing else to do. With --only, the other sections stay as they are.
 *
 * usage: node dist/benchmarks/results.js [--only NAME,NAME,...]
 */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { processorFamily } from '../src/linalg/backend/processor-class.js';
import { machineLine } from './figures.js';
import { type ResultsSection, resultsDocument, resultsSections, withBlock } from './results-document.js';

interface Subject {
  name: string;
  title: string;
  options: readonly string[];
}

const subjects: readonly Subject[] = [
  { name: 'full-size', title: 'The whole job at full size', options: ['--runs', '3'] },
  {
    name: 'eigh',
    title: 'Eigendecomposition',
    options: ['--sizes', '64,128,256,640,1280,2560,5120,8192', '--runs', '3'],
  },
  { name: 'product', title: 'Products', options: ['--runs', '1', '--chunks', '256,512,1024,2048'] },
  { name: 'projection', title: 'The projection stage', options: ['--runs', '5'] },
  { name: 'writers', title: 'Writers', options: ['--runs', '5'] },
  { name: 'scaling', title: 'Scaling', options: ['--runs', '1'] },
  { name: 'batch', title: 'A batch of small checkpoints', options: ['--runs', '3'] },
  { name: 'neighbours', title: 'Nearest neighbours of all rows', options: ['--runs', '1'] },
  { name: 'large', title: 'A run whose matrices hardly fit', options: [] },
];
const root = path.resolve(import.meta.dirname, '../..');
const resultsFile = path.join(root, 'benchmarks', 'RESULTS.md');

const { values: given } = parseArgs({
  options: { only: { type: 'string', default: subjects.map(({ name }) => name).join() } },
});
const chosen = given.only.split(',').filter((name) => name !== '');
const unknown = chosen.filter((name) => !subjects.some((subject) => subject.name === name));
if (unknown.length > 0) throw new RangeError(`unknown: ${unknown.join(', ')}`);

const held = existsSync(resultsFile) ? resultsSections(readFileSync(resultsFile, 'utf8')) : [];
const sections = subjects.map((subject): ResultsSection => {
  const blocks = held.find(({ title }) => title === subject.title)?.blocks ?? [];
  return { title: subject.title, command: commandOf(subject), blocks };
});
for (const [index, subject] of subjects.entries()) {
  if (!chosen.includes(subject.name)) continue;
  process.stderr.write(`${commandOf(subject)}\n`);
  const load = loadavg()[0]!.toFixed(2);
  const output = await outputOf(subject);
  const machine = `${machineLine()}, load average before ${load}`;
  const block = { processor: processorFamily(), machine, output: output.trimEnd() };
  sections[index] = withBlock(sections[index]!, block);
  // After each, so that a failure loses nothing that was measured.
  write();
}
write();

function write(): void {
  writeFileSync(resultsFile, resultsDocument(sections));
}

function commandOf({ name, options }: Subject): string {
  return ['node', `dist/benchmarks/${name}.js`, ...options].join(' ');
}

function outputOf(subject: Subject): Promise<string> {
  const script = path.join(import.meta.dirname, `${subject.name}.js`);
  const child = spawn(process.execPath, [script, ...subject.options], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    process.stdout.write(text);
    output += text;
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject).on('close', (code) => {
      if (code === 0) resolve(output);
      else reject(new Error(`${commandOf(subject)} ended with ${code}`));
    });
  });
}
