import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { ExecutionContext } from 'ava';
import { until } from './until.js';

/** Compiled, this file is dist/test/helpers/lock-holder.js. */
const module = (name: string) => path.resolve(import.meta.dirname, `../../src/files/${name}.js`);

/**
 * Starts a process that makes `file` a lock of its own and then runs `script`, in which `lock` is that lock. It is
 * killed when the test has ended.
 */
export async function holdLock(
  t: ExecutionContext,
  file: string,
  script: string,
  environment: Record<string, string> = {},
): Promise<ChildProcess> {
  const code = `
    import { Lock } from ${JSON.stringify(module('lock'))};
    const lock = Lock.create(${JSON.stringify(file)}, 0.02);
    ${script}`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, ...environment },
  });
  t.teardown(() => child.kill('SIGKILL'));
  await until(() => existsSync(file) && readFileSync(file, 'utf8') !== '');
  return child;
}

/** Stops a process, and waits until it has stopped. */
export async function stop({ pid }: ChildProcess): Promise<void> {
  process.kill(pid!, 'SIGSTOP');
  await until(() => / T /.test(readFileSync(`/proc/${pid}/stat`, 'latin1')));
}
