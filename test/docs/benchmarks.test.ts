import test from 'ava';
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

test('the figures of docs/running.md are those of the benchmarks', (t) => {
  const text = documentNamed('docs/running.md').text.replaceAll(/\s+/g, ' ');
  const [portable, system] = ['eigenshard', 'eigenshard, system'].map((row) =>
    measured(row).seconds.toFixed(1),
  );
  t.true(text.includes(`${portable} s against ${system} s`));
});
