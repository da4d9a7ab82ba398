/**
 * The tables of docs/scaling.md: runs of known models on many machines, and a thousand checkpoints, as the simulation
 * (benchmarks/scaling/simulate.ts) has them from rates that were measured on two cores. Nothing is computed or timed.
 *
 * usage: node dist/benchmarks/scaling/forecast.js [--cores N] [--storage BYTES-A-SECOND]
 */
import { parseArgs } from 'node:util';
import { alignedRows, wholeNumber } from '../figures.js';
import { type CoreRates, costsOfSize, type RunSize } from './costs.js';
import { type Site, simulateBatch, simulateRun } from './simulate.js';

const { values: given } = parseArgs({
  options: {
    cores: { type: 'string', default: '16' },
    storage: { type: 'string', default: '2000000000' },
  },
});
const cores = wholeNumber(given.cores);
const storage = wholeNumber(given.storage);

/** Measured on two cores of an AMD EPYC; docs/scaling.md says where each comes from. */
const rates: CoreRates = {
  float32: 90e9,
  float64: 45e9,
  eigh: 100e9,
  scan: 0.62e9,
  verify: 0.29e9,
  token: 5e-6,
  eigenvector: 3.3e-4,
  merge: 1e9,
  startUp: 0.3,
};
const MODELS: (RunSize & { name: string })[] = [
  { name: 'Qwen3-4B', rows: 151936, hidden: 2560, partitionRows: 6144 },
  { name: 'Llama-70B', rows: 128256, hidden: 8192, partitionRows: 6144 },
  { name: 'Llama-405B', rows: 128256, hidden: 16384, partitionRows: 6144 },
  { name: 'Llama-405B, partitions of 1,024', rows: 128256, hidden: 16384, partitionRows: 1024 },
];
const MACHINES = [1, 2, 4, 8, 16, 64];
const CHECKPOINTS = 1000;

/** A process on each machine, of all its cores, and what Slurm takes to start a step, and a record. */
const site: Site = {
  processes: 1,
  threads: cores,
  processesPerMachine: 1,
  scheduler: 0.14,
  record: 0.002,
  storage,
};

console.log(
  `machines of ${cores} cores, a process each, storage of ${storage / 1e9} GB/s, a step of srun a stage\n`,
);
for (const model of MODELS) printRun(model);
printCheckpoints();

function printRun(model: (typeof MODELS)[number]): void {
  const costs = costsOfSize(model, rates, cores);
  const runs = MACHINES.map((processes) => simulateRun(costs, { ...site, processes }));
  console.log(`${model.name}: ${model.rows} x ${model.hidden}, seconds`);
  console.log(
    alignedRows([
      ['machines', ...costs.map(({ name, units }) => `${name} (${units.length})`), 'all', 'faster'],
      ...runs.map(({ stages, seconds }, k) => [
        String(MACHINES[k]),
        ...stages.map((stage) => stage.seconds.toFixed(1)),
        seconds.toFixed(0),
        `${(runs[0]!.seconds / seconds).toFixed(2)} x`,
      ]),
    ]),
  );
  console.log();
}

function printCheckpoints(): void {
  console.log(
    `${CHECKPOINTS} checkpoints, hours: as a batch, a run a machine; and one after the other, each in steps on all`,
  );
  console.log(
    alignedRows([
      ['model', 'machines', 'batch', 'in steps'],
      ...MODELS.slice(0, 2).flatMap((model) =>
        MACHINES.map((processes) => {
          const costs = costsOfSize(model, rates, cores);
          const here = { ...site, processes };
          const batch = simulateBatch(CHECKPOINTS, costs, here);
          const inSteps = CHECKPOINTS * simulateRun(costs, here).seconds;
          return [
            model.name,
            String(processes),
            ...[batch, inSteps].map((seconds) => (seconds / 3600).toFixed(2)),
          ];
        }),
      ),
    ]),
  );
}
