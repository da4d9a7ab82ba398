import type { Meeting } from './meet-at.js';
import type { Ability, FileSystemFindings } from './probe-file-system.js';

/** What runs and batches can make of a file system. */
export type FileSystemVerdict = 'serves' | 'serves with a limit' | 'does not serve';

/** Why a file system serves less than another one, and what to do. */
export interface FileSystemReason {
  isFatal: boolean;
  what: string;
  next: string;
}

/** Seconds after which a lock without a heartbeat is taken for a dead one's (`wait-for-lock.ts`), less two beats. */
const LONGEST_SIGHT_SECONDS = 50;

const SLOW_SIGHT_SECONDS = 10;
const SLOW_SYNC_MILLISECONDS = 100;
const CLOCK_SECONDS = 60;

/** Abilities that runs need, and those without which they do with less. Hard links are none of them. */
const needs: Partial<
  Record<Ability, Omit<FileSystemReason, 'what'> & { what: (problem: string) => string }>
> = {
  folder: {
    isFatal: true,
    what: (problem) => `nothing can be written here (${problem})`,
    next: 'make it writable, or choose another folder',
  },
  exclusiveCreation: {
    isFatal: true,
    what: (problem) => `locks do not exclude: ${problem}`,
    next: 'choose another file system for the output (--out) and the downloads (EIGENSHARD_CACHE)',
  },
  renameOver: {
    isFatal: true,
    what: (problem) => `files do not appear whole: ${problem}`,
    next: 'choose another file system; of a bucket, copy finished runs there instead',
  },
  fileSync: {
    isFatal: true,
    what: (problem) => `files cannot be synced to the disk (${problem}), which a run waits for`,
    next: 'choose another file system',
  },
  lock: {
    isFatal: true,
    what: (problem) => `the lock of a run does not work: ${problem}`,
    next: 'choose another file system for the output (--out)',
  },
  folderSync: {
    isFatal: false,
    what: (problem) => `folders cannot be synced (${problem}): a power cut may lose files that were finished`,
    next: 'after a power cut, run the same command again with --resume',
  },
};

/** Kinds of file systems that hold what they are given for a while. */
const passing: Readonly<Record<string, string>> = {
  tmpfs:
    'it lies in the memory of this machine: it is gone after a restart, and other machines have another one',
  ramfs:
    'it lies in the memory of this machine: it is gone after a restart, and other machines have another one',
  overlay: 'it is the layer of a container, and goes with it',
};

/**
 * Judges a file system by what was found of it.
 *
 * @param meeting what another machine saw; null where none was asked
 */
export function judgeFileSystem(
  findings: FileSystemFindings,
  meeting: Meeting | null,
): { verdict: FileSystemVerdict; reasons: FileSystemReason[] } {
  const { problems } = findings;
  // Where no folder can be made, nothing else was tried.
  const tried = problems.folder === null ? (Object.keys(needs) as Ability[]) : (['folder'] as const);
  const reasons = [
    ...tried.flatMap((ability) => {
      const [need, problem] = [needs[ability], problems[ability]];
      return need === undefined || problem === null ? [] : [{ ...need, what: need.what(problem) }];
    }),
    ...limitsOf(findings),
    ...(meeting === null ? [] : limitsOfSight(meeting)),
  ];
  const isFatal = reasons.some((reason) => reason.isFatal);
  const verdict = isFatal ? 'does not serve' : reasons.length > 0 ? 'serves with a limit' : 'serves';
  return { verdict, reasons };
}

function limitsOf({
  type,
  freeBytes,
  syncMilliseconds,
  clockSeconds,
}: FileSystemFindings): FileSystemReason[] {
  const limits: [what: string, next: string][] = [];
  const isPassing = passing[type ?? ''];
  if (isPassing !== undefined) limits.push([isPassing, 'choose a disk, or a volume, for what is to stay']);
  if (freeBytes === 0) limits.push(['nothing is free', 'free space, or choose another file system']);
  if (syncMilliseconds !== null && syncMilliseconds > SLOW_SYNC_MILLISECONDS) {
    limits.push([
      `a small file takes ${syncMilliseconds.toFixed(0)} ms to be safe on the disk, and a run makes some for each partition`,
      'give larger partitions (--partition-rows)',
    ]);
  }
  if (clockSeconds !== null && Math.abs(clockSeconds) > CLOCK_SECONDS) {
    limits.push([
      `its clock and this machine's are ${Math.abs(clockSeconds).toFixed(0)} s apart: locks do not look at it, but times ` +
        'of files and `cache prune --older-than` mislead',
      'set both clocks (NTP)',
    ]);
  }
  return limits.map(([what, next]) => ({ isFatal: false, what, next }));
}

function limitsOfSight({ other, longestSeconds }: Meeting): FileSystemReason[] {
  if (longestSeconds <= SLOW_SIGHT_SECONDS) return [];
  const isFatal = longestSeconds > LONGEST_SIGHT_SECONDS;
  const seen = `${longestSeconds.toFixed(0)} s pass until a new file of ${other} is seen here`;
  return [
    {
      isFatal,
      what: isFatal ? `${seen}: a lock whose holder lives would be taken for a dead one's` : seen,
      next: 'let machines keep names for less long (for NFS: mount with lookupcache=positive, or a smaller acdirmax)',
    },
  ];
}
