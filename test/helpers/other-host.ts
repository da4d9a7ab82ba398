/** Variables that let a child process run under another host name. */
export function onHost(name: string): Record<string, string> {
  const preload = `
    import os from 'node:os';
    import { syncBuiltinESMExports } from 'node:module';
    os.hostname = () => ${JSON.stringify(name)};
    syncBuiltinESMExports();`;
  return { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(preload)}` };
}
