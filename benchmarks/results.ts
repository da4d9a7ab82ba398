/**
 * Runs the subjects one after the other and writes what they print to benchmarks/RESULTS.md, with the machine and
 * the date. Takes the better part of an hour; the machine should have nothing else to do. With --only, the other
 * sections stay as they are.
 *
 * usage: node dist/benchmarks/results.js [--only NAME,NAME,...]
 */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { machineLine } from './figures.js';

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
const NOT_RUN = 'Not run yet.';

const { values: given } = parseArgs({
  options: { only: { type: 'string', default: subjects.map(({ name }) => name).join() } },
});
const chosen = given.only.split(',').filter((name) => name !== '');
const unknown = chosen.filter((name) => !subjects.some((subject) => subject.name === name));
if (unknown.length > 0) throw new RangeError(`unknown: ${unknown.join(', ')}`);

const held = heldSections();
for (const subject of subjects) {
  if (!chosen.includes(subject.name)) continue;
  process.stderr.write(`${commandOf(subject)}\n`);
  const load = loadavg()[0]!.toFixed(2);
  const output = await outputOf(subject);
  held.set(
    subject.title,
    `${machineLine()}, load average before ${load}\n\n\`\`\`\n${output.trimEnd()}\n\`\`\``,
  );
  // After each, so that a failure loses nothing that was measured.
  write();
}
write();

function write(): void {
  const sections = subjects.map((subject) => {
    const { title } = subject;
    return `## ${title}\n\n\`${commandOf(subject)}\`\n\n${held.get(title) ?? NOT_RUN}\n`;
  });
  const head =
    '# Results\n\nWhat the benchmarks print, each with its command, machine and day. All contenders of a table ran in\n' +
    'turn in one run, and their answers were checked before their times counted. To repeat it, on a quiet\n' +
    'machine, after `npm ci`: `node dist/benchmarks/results.js`, which writes this file.\n';
  writeFileSync(resultsFile, [head, ...sections].join('\n'));
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

/** Text that stands under each title, below the command. */
function heldSections(): Map<string, string> {
  if (!existsSync(resultsFile)) return new Map();
  const [, ...sections] = readFileSync(resultsFile, 'utf8').split(/^## /m);
  return new Map(
    sections.map((section) => {
      const [title, , , ...body] = section.split('\n');
      return [title!, body.join('\n').trim()];
    }),
  );
}
