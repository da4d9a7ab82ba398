import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { ExecutionContext } from 'ava';
import { testUnless } from './test-unless.js';
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

/** Declares a test that asks the system for what is known of a process. */
export const procTest = testUnless(existsSync('/proc/self/stat') ? null : 'no /proc');

/** Waits until a process has been stopped. */
export async function hasStopped({ pid }: ChildProcess): Promise<void> {
  await until(() => / T /.test(readFileSync(`/proc/${pid}/stat`, 'latin1')));
}
