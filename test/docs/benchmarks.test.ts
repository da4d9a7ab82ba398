import test from 'ava';
import { type ResultsBlock, resultsDocument, resultsSections } from '../../benchmarks/results-document.js';
import { libraryRates } from '../../src/linalg/backend/library-rates.js';
import { documentNamed } from '../helpers/documents.js';

const results = documentNamed('benchmarks/RESULTS.md').text;

/** What a subject has printed, a block for each kind of processor. */
function blocksOf(subject: string): readonly ResultsBlock[] {
  return resultsSections(results).find(({ title }) => title === subject)!.blocks;
}

/** What a subject has printed on the kind of processor that a document names by its family. */
function blockOf(subject: string, family: string): ResultsBlock {
  return blocksOf(subject).find(({ processor }) => processor === `AuthenticAMD family ${family}`)!;
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

/** Rates of both backends, in GFLOP/s a core, where both cores multiply 512 rows with 2560 x 2560. */
function rates(dtype: string): { portable: number; system: number } {
  const table = results.slice(results.indexOf(`\n${dtype}: best rate seen`));
  const rateOf = (backend: string) =>
    Number(new RegExp(`^${backend} +2 +512 x 2560 x 2560 +([\\d.]+) `, 'm').exec(table)![1]);
  return { portable: rateOf('portable'), system: rateOf('system') };
}

test('the figures of docs/running.md are those of the benchmarks, and of the table that auto goes by', (t) => {
  const text = documentNamed('docs/running.md').text.replaceAll(/\s+/g, ' ');
  const [float32, float64] = ['float32', 'float64'].map((dtype) => {
    const { portable, system } = rates(dtype);
    return (system / portable).toFixed(2);
  });
  t.true(
    text.includes(`at ${float32} (float32) and ${float64} (float64) of its rate`),
    `${float32}, ${float64}`,
  );
  const measured = libraryRates({ version: 'OpenBLAS 0.3.21 ' }, 'AuthenticAMD family 26');
  t.like(measured, { float32: Number(float32), float64: Number(float64) });
});
