import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { EigenshardError } from '../../src/errors.js';
import { readManifest } from '../../src/output/manifest.js';
import { openRun } from '../../src/output/open-run.js';
import { querySql } from '../../src/queries/sql.js';
import { topTokens } from '../../src/queries/top.js';
import { viewsOfRun } from '../../src/queries/views.js';
import { renewReport } from '../../src/report/renew-report.js';
import { timeOf, trials } from '../helpers/campaign.js';
import { scratchDirectory } from '../helpers/fixtures.js';
import { randomNumbers } from '../helpers/random.js';
import { dataFiles, runHere, shardedModel, verifyHere } from '../helpers/runs.js';
import { testUnless } from '../helpers/test-unless.js';

const TRIALS = trials(2);

/** What may stand in the place of a file of a run. `elsewhere` is a file outside of the run. */
const places: Readonly<Record<string, (file: string, elsewhere: string) => void>> = {
  'a named pipe': (file) => execFileSync('mkfifo', [file]),
  'a device': (file) => symlinkSync('/dev/zero', file),
  'a directory': (file) => mkdirSync(file),
  'a link out of it': (file, elsewhere) => symlinkSync(elsewhere, file),
  'a link to itself': (file) => symlinkSync(path.basename(file), file),
  'three gigabytes': (file) => {
    writeFileSync(file, '');
    truncateSync(file, 3e9);
  },
};

const pipesTest = testUnless(process.platform === 'win32' ? 'no named pipes' : null);

pipesTest(
  `${TRIALS} times something stands in the place of a file of a run: whoever asks is told on one line, and nothing elsewhere changes`,
  async (t) => {
    t.timeout(timeOf(TRIALS, 20));
    const model = shardedModel(t, 60, 8).directory;
    const whole = path.join(scratchDirectory(t), 'whole');
    const shared = { model, partitionRows: 25, format: 'both', export: ['pt', 'npy'], top: 3 } as const;
    await runHere({ ...shared, out: whole });
    const expected = dataFiles(whole);
    const names = [...expected.keys(), 'manifest.json', 'records.jsonl', '.projections.npy.unfinished'];
    const random = randomNumbers(20_261_130).uniform;
    const any = <Value>(values: readonly Value[]) => values[Math.floor(random() * values.length)]!;
    const wrong: string[] = [];
    for (let k = 0; k < TRIALS; k++) {
      const [name, kind] = [any(names), any(Object.keys(places))];
      const out = path.join(scratchDirectory(t), 'run');
      const elsewhere = path.join(scratchDirectory(t), path.basename(name));
      const make = () => {
        rmSync(out, { recursive: true, force: true });
        cpSync(whole, out, { recursive: true, preserveTimestamps: true });
        rmSync(path.join(out, name), { force: true });
        writeFileSync(elsewhere, 'precious');
        places[kind]!(path.join(out, name), elsewhere);
      };
      const tried = async (what: string, action: () => Promise<unknown>) => {
        try {
          await action();
          return true;
        } catch (error) {
          const isTold =
            error instanceof EigenshardError && error.message.includes(out) && error.message.length < 1000;
          if (!isTold) wrong.push(`${name}, ${kind}, ${what}: ${(error as Error).stack}`);
          return false;
        }
      };
      make();
      const request = { eigenvector: 1, sides: ['+'], measure: 'projection', count: 2 } as const;
      await tried('verify', async () => {
        const { verification, problems } = await verifyHere(out);
        const isOfRun = !name.startsWith('.projections');
        if (isOfRun && (verification.passed || !problems.includes(path.basename(name)))) {
          wrong.push(`${name}, ${kind}, verify: ${verification.passed ? 'passed' : problems}`);
        }
      });
      await tried('top', async () => topTokens(out, readManifest(out), request));
      await tried('report', () => renewReport(out));
      await tried('projections', async () => (await openRun(out)).projections({ first: 20, count: 30 }));
      await tried('sql', async () => {
        const query = 'SELECT count(*) FROM projections JOIN tokens USING (token_id)';
        await querySql({ views: viewsOfRun(out, readManifest(out)) }, query, async ({ chunks }) => {
          for await (const _ of chunks);
        });
      });
      for (const flags of [{ resume: true }, { overwrite: true }]) {
        make();
        const what = Object.keys(flags).join();
        if (await tried(what, () => runHere({ ...shared, out }, flags))) {
          const { verification, problems } = await verifyHere(out);
          if (!verification.passed) wrong.push(`${name}, ${kind}, ${what}, then verify: ${problems}`);
        }
      }
      if (readFileSync(elsewhere, 'utf8') !== 'precious')
        wrong.push(`${name}, ${kind}: changed what lies elsewhere`);
      rmSync(out, { recursive: true });
    }
    t.deepEqual(wrong, []);
  },
);
