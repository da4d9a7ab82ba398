// Loaded into every process of a job of Slurm, and into each of its threads, before the program: it lets each run under the
// name of its node, and gives one of them a fault.
import { syncBuiltinESMExports } from 'node:module';
import os from 'node:os';

/** A fault of some processes of a job. */
export interface TaskFault {
  /** Variables that the process has; with an empty value, lacks. */
  when: Readonly<Record<string, string>>;
  /** Name of the helper that makes the fault, and the variables that it needs. */
  helper: 'refused-calls' | 'signal-at-record';
  variables: Readonly<Record<string, string>>;
}

const { SLURMD_NODENAME: node, TASK_FAULT: text = 'null' } = process.env;
if (node !== undefined) {
  os.hostname = () => node;
  syncBuiltinESMExports();
  const fault = JSON.parse(text) as TaskFault | null;
  const isMeant =
    fault !== null &&
    Object.entries(fault.when).every(([name, value]) => (process.env[name] ?? '') === value);
  if (isMeant) {
    Object.assign(process.env, fault.variables);
    await import(`./${fault.helper}.js`);
  }
}
