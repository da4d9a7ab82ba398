import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';

/** A stage that has ended. */
export interface StageEnd {
  name: string;
  seconds: number;
  /** Most memory of the process since the stage before. */
  peakBytes: number;
}

/** Starts a command line of the product, whose standard error tells of its stages. */
export function startCoordinator(...args: string[]): ChildProcess {
  return spawn(process.execPath, [path.resolve(import.meta.dirname, '../../coordinator.js'), ...args], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
}

/** Reads what a process says of its stages until it ends. @returns them, and its exit code, null where it was killed */
export async function followStages(
  child: ChildProcess,
  onEnd: (stage: StageEnd) => void,
): Promise<{ stages: StageEnd[]; code: number | null }> {
  const stages: StageEnd[] = [];
  const ended = new Promise<number | null>((resolve) => child.once('close', (code) => resolve(code)));
  for await (const line of createInterface({ input: child.stderr! })) {
    const [, name, seconds] = /^(.+): ([\d.]+) s(?:,|$)/.exec(line) ?? [];
    if (name === undefined) continue;
    const stage = { name, seconds: Number(seconds), peakBytes: takePeak(child.pid!) };
    stages.push(stage);
    onEnd(stage);
  }
  return { stages, code: await ended };
}

/** Reads the most memory that a process has had since this was asked the last time; 0 where it has ended. */
function takePeak(pid: number): number {
  const folder = `/proc/${pid}`;
  if (!existsSync(folder)) return 0;
  const [, kibibytes] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`${folder}/status`, 'utf8')) ?? [];
  writeFileSync(`${folder}/clear_refs`, '5');
  return Number(kibibytes ?? 0) * 1024;
}
