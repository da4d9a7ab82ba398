import test from 'ava';
import { type ResultsBlock, resultsDocument, resultsSections } from '../../benchmarks/results-document.js';
import { measuredRates } from '../../src/linalg/backend/library-rates.js';
import { documentNamed } from '../helpers/documents.js';

const results = documentNamed('benchmarks/RESULTS.md').text;

/** What a subject has printed, a block for each kind of processor. */
function blocksOf(subject: string): readonly ResultsBlock[] {
  return resultsSections(results).find(({ title }) => title === subject)!.blocks;
}

/** What a subject has printed on the kind of processor that a document names by its family. */
function blockOf(subject: string, family: string): ResultsBlock {
  return blocksOf(subject).find(
    ({ processor }) => processor === `AuthenticAMD family ${family} with AVX-512`,
  )!;
}

/** A document in one line. */
function lineOf(name: string): string {
  return documentNamed(name).text.replaceAll(/\s+/g, ' ');
}

test('results.js reads all that stands in its document', (t) => {
  t.is(resultsDocument(resultsSections(results)), results);
});

/** Seconds and gigabytes of a contender of the whole job at full size. */
function measured(output: string, contender: string): { seconds: number; gigabytes: number } {
  const row = new RegExp(`^${contender} +([\\d.]+) \\(.*?\\) +[\\d.]+ +(\\d+) `, 'm');
  const [, seconds, megabytes] = row.exec(output)!;
  return { seconds: Number(seconds), gigabytes: Number(megabytes) / 1000 };
}

test('the figures of the README are those of the benchmarks on the machine that it names', (t) => {
  const text = lineOf('README.md');
  const [, model, family, cores] = /: (AMD EPYC) of family (\d+) \([^)]*\), (\d+) cores, rows/.exec(text)!;
  const { machine, output } = blockOf('The whole job at full size', family!);
  t.true(machine.startsWith(`${model}, ${cores} cores, `), machine);
  const [ours, torch, all] = ['eigenshard', 'torch', 'eigenshard, all'].map((name) => measured(output, name));
  const figures = ({ seconds, gigabytes }: ReturnType<typeof measured>) => [
    seconds.toFixed(1),
    gigabytes.toFixed(1),
  ];
  const [s, gb] = figures(ours!);
  const [torchS, torchGb] = figures(torch!);
  t.true(text.includes(`${s} s and ${gb} GB of memory`));
  t.true(text.includes(`PyTorch takes ${torchS} s and ${torchGb} GB`));
  t.true(text.includes(`add ${Math.round(all!.seconds - ours!.seconds)} s`));
});

test('the figures of docs/neighbours.md are those of the benchmarks on the machine that it names', (t) => {
  const text = lineOf('docs/neighbours.md');
  const [, family] = /On two cores of an EPYC of family (\d+),/.exec(text)!;
  const { output } = blockOf('Nearest neighbours of all rows', family!);
  const [ours, numpy, faiss] = ['eigenshard', 'numpy', 'faiss'].map((contender) => {
    const [, seconds] = new RegExp(`^${contender} +([\\d.]+) \\(`, 'm').exec(output)!;
    return Number(seconds).toFixed(1);
  });
  t.true(text.includes(`40,000 x 2,560 take ${ours} s from start to end`));
  t.true(text.includes(`NumPy's blocked brute force takes ${numpy} s and faiss's flat index ${faiss} s`));
});

test('the rates that auto goes by are the rows that the benchmark of products has printed, one a processor', (t) => {
  const rows = blocksOf('Products').map(({ output }) => {
    const [, row = ''] = /^for src\/linalg\/backend\/library-rates\.ts: (.*)$/m.exec(output)!;
    return JSON.parse(row);
  });
  t.deepEqual(measuredRates, rows);
  t.deepEqual(
    rows.map(({ processor }) => processor),
    blocksOf('Products').map(({ processor }) => processor),
  );
});

test('the rates in docs/running.md are those that auto goes by', (t) => {
  const text = lineOf('docs/running.md');
  const rates = /at ([\d.]+) \(float32\) and ([\d.]+) \(float64\) [a-z ]*on an EPYC of family (\d+)/g;
  const named = [...text.matchAll(rates)];
  t.true(named.length > 0);
  for (const [, float32, float64, family] of named) {
    const row = measuredRates.find(
      ({ processor }) => processor === `AuthenticAMD family ${family} with AVX-512`,
    )!;
    t.true(text.includes(`${row.library} multiplies`));
    t.deepEqual([float32, float64], [row.float32.toFixed(2), row.float64.toFixed(2)]);
  }
});
