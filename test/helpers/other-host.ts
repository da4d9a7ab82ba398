import { spawnSync } from 'node:child_process';
import { commandOf, startCommand } from './cli.js';
import { testUnless } from './test-unless.js';

/** Variables that let a child process run under another host name. */
export function onHost(name: string): Record<string, string> {
  const preload = `
    import os from 'node:os';
    import { syncBuiltinESMExports } from 'node:module';
    os.hostname = () => ${JSON.stringify(name)};
    syncBuiltinESMExports();`;
  return { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(preload)}` };
}

/** Words before a command that let it run under another host name, in a name space of its own. */
const onNamedHost = (name: string) => ['unshare', '--uts', 'sh', '-c', 'hostname "$0" && exec "$@"', name];

/** Declares a test that calls `startOnHost`. */
export const hostsTest = testUnless(missingHosts());

/** Starts `node coordinator.js ...args` as on another machine: the system itself gives it this host name. */
export function startOnHost(
  name: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): ReturnType<typeof startCommand> {
  return startCommand([...onNamedHost(name), ...commandOf(args)], environment);
}

function missingHosts(): string | null {
  const [program = '', ...args] = onNamedHost('elsewhere');
  const { status } = spawnSync(program, [...args, 'true']);
  return status === 0 ? null : 'unshare gives no host name of its own here';
}
