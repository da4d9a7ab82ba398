import type { judgeFileSystem } from '../files/judge-file-system.js';
import type { Meeting } from '../files/meet-at.js';
import { type Ability, abilities, type FileSystemFindings } from '../files/probe-file-system.js';
import { alignedRows } from '../text/aligned-rows.js';
import { formatBytes } from '../text/figures.js';

const names: Record<Ability, string> = {
  folder: 'making a folder',
  exclusiveCreation: 'exclusive creation',
  renameOver: 'renaming over a file',
  fileSync: 'syncing a file',
  folderSync: 'syncing a folder',
  lock: 'the lock of a run',
  hardLinks: 'hard links (not needed)',
};

/** A screen about a file system: what was tried, what was measured, and what it comes to. */
export function doctorText(
  findings: FileSystemFindings,
  meeting: Meeting | null,
  { verdict, reasons }: ReturnType<typeof judgeFileSystem>,
): string {
  const { directory, host, type, problems } = findings;
  return [
    `${directory}: ${type ?? 'a file system without a known name'}, tried from ${host}`,
    '',
    alignedRows([
      ...abilities.map((ability) => [names[ability], problems[ability] ?? 'works']),
      ...measuredRows(findings),
      ...(meeting === null ? [] : [meetingRow(meeting, host)]),
    ]),
    '',
    verdict,
    ...reasons.map(({ what, next }) => `- ${what}: ${next}`),
  ].join('\n');
}

function measuredRows({ syncMilliseconds, freeBytes, clockSeconds }: FileSystemFindings): string[][] {
  return [
    [
      'a small file, synced',
      syncMilliseconds === null ? 'not measured' : `${syncMilliseconds.toFixed(1)} ms`,
    ],
    [
      'free',
      freeBytes === null ? 'the system does not say' : `${formatBytes(freeBytes)} (a quota may allow less)`,
    ],
    ['its clock', clockSeconds === null ? 'not measured' : clockText(clockSeconds)],
  ];
}

/** Clocks that files are stamped by tick some times in a hundredth of a second. */
function clockText(seconds: number): string {
  const size = Math.abs(seconds);
  if (size < 0.05) return "agrees with this machine's";
  return `${size.toFixed(1)} s ${seconds > 0 ? 'ahead of' : 'behind'} this machine's`;
}

function meetingRow({ other, medianSeconds, longestSeconds }: Meeting, host: string): string[] {
  const [median, longest] = [medianSeconds, longestSeconds].map(
    (seconds) => `${(seconds * 1000).toFixed(0)} ms`,
  );
  const where = other === host ? `${other}, this same machine` : other;
  return [`new files of ${where}`, `seen after ${median} (median), ${longest} (longest)`];
}
