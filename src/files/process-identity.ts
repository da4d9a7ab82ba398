import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

/** Tells a process from every other one, of this machine and of others. */
export interface ProcessIdentity {
  pid: number;
  host: string;
  /**
   * The place where `pid` counts: the boot of the machine, and the space of process ids in it, which a container has of its own.
   * Empty where the system does not tell.
   */
  system: string;
  /** Time of its start, in the system's own count since the boot; empty where the system does not tell. */
  started: string;
}

/** State of a process: 'unknown' where it cannot be asked, or its number may be another one's by now. */
export type Standing = 'living' | 'gone' | 'unknown';

/** The process that runs this. */
export const thisProcess: ProcessIdentity = {
  pid: process.pid,
  host: hostname(),
  system: systemIdentity(),
  started: statOf(process.pid)?.started ?? '',
};

/** Asks the system for a process. One of another host, boot or container cannot be asked for. */
export function standingOf({ pid, host, system, started }: ProcessIdentity): Standing {
  if (host !== thisProcess.host || system !== thisProcess.system) return 'unknown';
  if (!exists(pid)) return 'gone';
  const stat = statOf(pid);
  if (stat === null || started === '') return 'unknown';
  return stat.started === started && !stat.hasEnded ? 'living' : 'gone';
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function systemIdentity(): string {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
    return `${boot} ${readlinkSync('/proc/self/ns/pid')}`;
  } catch {
    return '';
  }
}

/** Fields 3 and 22 of /proc/PID/stat, counted from behind the name, in which there may be anything. */
function statOf(pid: number): { hasEnded: boolean; started: string } | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    // Z and X: ended, and not yet asked about by its parent, which in a container may be for ever.
    return { hasEnded: /^[ZX]$/.test(fields[0]!), started: fields[19]! };
  } catch {
    return null;
  }
}
