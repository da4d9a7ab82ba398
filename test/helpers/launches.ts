import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { ExecutionContext } from 'ava';
import fc from 'fast-check';
import type { Job } from 'kubernetes-types/batch/v1.d.ts';
import type { Stage } from '../../src/plan/stages.js';
import { root } from './documents.js';
import { scratchDirectory } from './fixtures.js';

const one = (name: Stage['name'], ...after: Stage['name'][]): Stage => ({
  name,
  units: 1,
  rows: null,
  after,
});
const many = (name: Stage['name'], units: number, ...after: Stage['name'][]): Stage => ({
  name,
  units,
  rows: Array.from({ length: units }, () => 10),
  after,
});

/** The stages of a run with two units of covariance and six partitions. */
export const stages: readonly Stage[] = [
  many('scan', 3),
  one('identity', 'scan'),
  many('covariance', 2, 'identity'),
  one('basis', 'covariance'),
  many('project', 6, 'basis'),
  many('verify', 6, 'project'),
  one('finish', 'verify'),
];

/** Names of a file that a shell, Slurm or Kubernetes could take for something else; none with a control character. */
export const strangeNames: fc.Arbitrary<string> = fc
  .array(
    fc.constantFrom(
      ...['a', 'B', '7', ' ', "'", '"', '$', '$(id)', '${HOME}', '`id`', '!', '#', '&', ';', '|', '<', '>'],
      ...[
        '*',
        '?',
        '[x]',
        '{a,b}',
        '~',
        '-',
        '--',
        '=',
        ',',
        ':',
        '.',
        '(',
        ')',
        '^',
        '$$',
        "\\'",
        '%j',
        'é',
        '模型',
      ],
    ),
    { minLength: 1, maxLength: 8 },
  )
  .map((parts) => parts.join(''))
  .filter((name) => name !== '.' && name !== '..');

/** A script that was read and found right stands in test/golden. After a change that is meant, it is read again, and copied. */
export function comparedWithGolden(t: ExecutionContext, name: string, text: string): void {
  const golden = path.join(root, 'test/golden', name);
  const actual = path.join(scratchDirectory(t), name);
  const wanted = existsSync(golden) ? readFileSync(golden, 'utf8') : '';
  if (text !== wanted) {
    writeFileSync(actual, text);
    t.log(`compare ${golden} with ${actual}`);
  }
  t.is(text, wanted);
}

/** The manifests of a script for Kubernetes, as bash hands them to kubectl. */
export function jobsOf(text: string): Job[] {
  return [...text.matchAll(/<< 'JOB'\n([\s\S]*?)\nJOB\n/g)].map(([, json]) => JSON.parse(json!) as Job);
}

/** Programs that note how they are called, in the place of an engine's. */
export interface FakePrograms {
  /** Variables with which they are found before all others. */
  environment: Record<string, string>;
  /** The calls so far: name and arguments of each. */
  calls(): string[][];
}

/**
 * Makes programs that note how they are called.
 *
 * @param bodies by their names, what they do then, in bash
 */
export function fakePrograms(t: ExecutionContext, bodies: Readonly<Record<string, string>>): FakePrograms {
  const folder = scratchDirectory(t);
  const log = path.join(folder, 'calls');
  const bin = path.join(folder, 'bin');
  mkdirSync(bin);
  for (const [name, body] of Object.entries(bodies)) {
    const file = path.join(bin, name);
    // Several are called at once, and bash writes a call at once as long as there is no line feed in it.
    writeFileSync(file, `#!/bin/bash\nprintf '%s\\0' "\${0##*/}" "$@" $'\\x1e' >> '${log}'\n${body}\n`);
    chmodSync(file, 0o755);
  }
  return {
    environment: { PATH: `${bin}:${process.env.PATH}`, FAKES: folder },
    calls: () => {
      const text = existsSync(log) ? readFileSync(log, 'utf8') : '';
      return text
        .split('\0\x1e\0')
        .slice(0, -1)
        .map((call) => call.split('\0'));
    },
  };
}
