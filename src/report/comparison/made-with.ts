import path from 'node:path';
import type { ComparedRecord } from '../../output/comparison-folder.js';

/** What two runs can be made with, in the words of the command line. */
const settings: readonly [string, (run: ComparedRecord) => string][] = [
  ['side', ({ side }) => side],
  ['tensor', ({ tensor }) => tensor ?? 'none'],
  ['dtype', ({ dtype }) => dtype],
  ['final norm', ({ norm }) => (norm === null ? 'not folded' : `folded (${norm.sha256.slice(0, 12)})`)],
  ['normalisation', ({ normalisation }) => normalisation ?? 'none'],
  [
    'metric',
    ({ metric, metricSha256 }) => (metric === 'computed' ? metric : `given (${metricSha256.slice(0, 12)})`),
  ],
  ['ridge', ({ ridge }) => (ridge === null ? 'none' : String(ridge))],
  ['second moment', ({ secondMoment }) => secondMoment ?? 'given'],
  [
    'weights',
    ({ weights }) =>
      weights === null
        ? 'uniform'
        : [weights.kind, ...(weights.sha256 === null ? [] : [`(${weights.sha256.slice(0, 12)})`])].join(' '),
  ],
];

/** Names what two runs were made with that differs: 'ridge', 'A 0.000001, B 0.0001'. */
export function madeDifferently(a: ComparedRecord, b: ComparedRecord): [string, string][] {
  return settings.flatMap(([name, of]): [string, string][] =>
    of(a) === of(b) ? [] : [[`Made with another ${name}`, `A ${of(a)}, B ${of(b)}`]],
  );
}

/** Names that tell two runs from each other: of one model, with the names of their directories. */
export function namesOf(a: ComparedRecord, b: ComparedRecord): { a: string; b: string } {
  if (a.model !== b.model) return { a: a.model, b: b.model };
  const named = ({ model, directory }: ComparedRecord) => `${model} (${path.basename(directory)})`;
  return { a: named(a), b: named(b) };
}
