import test from 'ava';
import { libraryRates } from '../../src/linalg/backend/library-rates.js';
import { documentNamed } from '../helpers/documents.js';

/** Seconds and gigabytes of a contender of the whole job at full size, as benchmarks/RESULTS.md has them. */
function measured(contender: string): { seconds: number; gigabytes: number } {
  const row = new RegExp(`^${contender} +([\\d.]+) \\(.*?\\) +[\\d.]+ +(\\d+) `, 'm');
  const [, seconds, megabytes] = row.exec(documentNamed('benchmarks/RESULTS.md').text)!;
  return { seconds: Number(seconds), gigabytes: Number(megabytes) / 1000 };
}

test('the figures of the README are those of the benchmarks', (t) => {
  const text = documentNamed('README.md').text.replaceAll(/\s+/g, ' ');
  const [ours, torch, all] = ['eigenshard', 'torch', 'eigenshard, all'].map(measured);
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

/** Rates of both backends, in GFLOP/s a core, where both cores multiply 512 rows with 2560 x 2560. */
function rates(dtype: string): { portable: number; system: number } {
  const { text } = documentNamed('benchmarks/RESULTS.md');
  const table = text.slice(text.indexOf(`\n${dtype}: best rate seen`));
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
