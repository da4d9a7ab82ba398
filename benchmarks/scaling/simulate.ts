/** What a unit of a stage takes. */
export interface UnitCost {
  /** Seconds on one thread of a machine whose other threads are idle. */
  seconds: number;
  /** Bytes that it reads from and writes to the shared storage when it has computed. */
  bytes: number;
}

/** What a stage takes. A stage of one unit has the seconds of a whole machine. */
export interface StageCost {
  name: string;
  units: readonly UnitCost[];
  /** Bytes that each process reads before its first unit. */
  processBytes: number;
  /** Seconds of a process that has nothing to compute: it starts, loads what the stage needs, and ends. */
  startUp: number;
  /** Time of a unit when all threads of a machine compute, over that when one does: memory bandwidth, and turbo. */
  crowding: number;
}

/** Machines, what runs on them, and what they share. */
export interface Site {
  /** Processes P, of which number I computes the units I, I + P, I + 2 P and so on. */
  processes: number;
  /** Threads W of each process. */
  threads: number;
  processesPerMachine: number;
  /** Seconds of a scheduler to start a stage. */
  scheduler: number;
  /** Seconds of a unit's record. */
  record: number;
  /** Bytes a second of the storage, which all that read or write share alike. */
  storage: number;
}

/** How a stage went. */
export interface SimulatedStage {
  name: string;
  /** From the end of the stage before to the end of this one. */
  seconds: number;
  /** In which each thread computed, read or wrote a unit, all threads together. */
  busySeconds: number;
}

/** How a run went. */
export interface SimulatedRun {
  stages: SimulatedStage[];
  seconds: number;
}

/** What a thread does, or a process before its threads do anything. */
interface Activity {
  process: Process;
  kind: 'open' | 'compute' | 'transfer';
  /** Seconds that are left of it if nothing else is done anywhere. */
  left: number;
  unit: UnitCost | null;
}

/** A process of a stage. */
interface Process {
  machine: number;
  /** Units that none of its threads has taken yet. */
  open: UnitCost[];
}

/** Simulates a run as stages: all processes begin a stage together, when the last of them has ended the one before. */
export function simulateRun(stages: readonly StageCost[], site: Site): SimulatedRun {
  const simulated = stages.map((stage) => simulateStage(stage, site));
  return { stages: simulated, seconds: simulated.reduce((sum, { seconds }) => sum + seconds, 0) };
}

/**
 * Simulates many equal runs, a run at a time on each process: process I computes the runs I, I + P, I + 2 P and so on, all
 * stages of a run in one process, which starts once.
 *
 * @returns seconds
 */
export function simulateBatch(runs: number, stages: readonly StageCost[], site: Site): number {
  const atOnce = Math.min(site.processes, runs);
  const alone = {
    ...site,
    processes: 1,
    processesPerMachine: 1,
    scheduler: 0,
    storage: site.storage / atOnce,
  };
  const { seconds } = simulateRun(
    stages.map((stage) => ({ ...stage, startUp: 0 })),
    alone,
  );
  const startUp = Math.max(0, ...stages.map((stage) => stage.startUp));
  return site.scheduler + startUp + Math.ceil(runs / atOnce) * seconds;
}

/**
 * Simulates a stage as a flow: every thread has a unit that it computes and then transfers, at rates that change whenever
 * one of them begins or ends something else.
 */
function simulateStage(stage: StageCost, site: Site): SimulatedStage {
  const active: Activity[] = processesOf(stage, site)
    .filter(({ open }) => open.length > 0)
    .map((process) => ({ process, kind: 'open', left: stage.processBytes / site.storage, unit: null }));
  let seconds = 0;
  let busySeconds = 0;
  while (active.length > 0) {
    const rates = ratesOf(active, stage.crowding, site);
    const step = active.reduce((least, { left }, k) => Math.min(least, left / rates[k]!), Infinity);
    seconds += step;
    busySeconds += step * active.filter(({ unit }) => unit !== null).length;
    active.forEach((activity, k) => {
      // Whatever ends now ends exactly: rounding must not leave it a rest.
      const isOver = activity.left / rates[k]! <= step;
      activity.left = isOver ? 0 : activity.left - step * rates[k]!;
    });
    const over = active.filter(({ left }) => left === 0);
    const going = active.filter(({ left }) => left > 0);
    active.splice(0, active.length, ...going, ...over.flatMap((activity) => after(activity, site)));
  }
  return { name: stage.name, seconds: site.scheduler + stage.startUp + seconds, busySeconds };
}

function processesOf({ units }: StageCost, { processes, processesPerMachine }: Site): Process[] {
  return Array.from({ length: Math.min(processes, units.length) }, (_, index) => ({
    machine: Math.floor(index / processesPerMachine),
    open: units.filter((_, unit) => unit % processes === index),
  }));
}

/** Speed of each activity, as a part of what it has where nothing else goes on. */
function ratesOf(active: readonly Activity[], crowding: number, site: Site): number[] {
  const busy = new Map<number, number>();
  let transfers = 0;
  for (const { kind, process } of active) {
    if (kind === 'compute') busy.set(process.machine, (busy.get(process.machine) ?? 0) + 1);
    else transfers++;
  }
  const others = site.threads * site.processesPerMachine - 1;
  const slowdown = (computing: number) =>
    others === 0 ? 1 : 1 + ((crowding - 1) * (computing - 1)) / others;
  return active.map(({ kind, process }) =>
    kind === 'compute' ? 1 / slowdown(busy.get(process.machine)!) : 1 / transfers,
  );
}

/** What begins where an activity has ended. */
function after({ kind, process, unit }: Activity, site: Site): Activity[] {
  if (kind === 'compute') {
    return [{ process, kind: 'transfer', left: unit!.bytes / site.storage, unit }];
  }
  return process.open
    .splice(0, kind === 'open' ? site.threads : 1)
    .map((next) => ({ process, kind: 'compute', left: next.seconds + site.record, unit: next }));
}
