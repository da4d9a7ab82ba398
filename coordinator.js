#!/usr/bin/env node
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const home = fileURLToPath(new URL('.', import.meta.url));
const entry = new URL('./dist/src/cli.js', import.meta.url);
if (!existsSync(entry)) end(`is not built yet: run \`npm ci\` (or \`npm run build\`) in ${home} first`);

const { main, endUnexpectedly } = await import(entry.href).catch((error) => end(whyNotLoaded(error)));
process.on('uncaughtException', endUnexpectedly);
process.exitCode = await main(process.argv.slice(2));

/** Says why the program, of which nothing is there yet to say it, cannot be loaded. */
function whyNotLoaded(error) {
  const { code, message } = error;
  const [line] = String(message).split('\n');
  switch (code) {
    case 'ERR_MODULE_NOT_FOUND':
      return `lacks a part (${line}): run \`npm ci\` in ${home} first`;
    case 'EMFILE':
      return 'cannot open its own files, too many are open: raise the limit (ulimit -n) and run it again';
    default:
      return process.env.EIGENSHARD_DEBUG === '1'
        ? `cannot be loaded: ${error.stack}`
        : `cannot be loaded: ${line}; run \`npm ci\` in ${home}, or set EIGENSHARD_DEBUG=1 for the stack`;
  }
}

/** Ends before the program is there. */
function end(reason) {
  process.stderr.write(`eigenshard ${reason}\n`);
  process.exit(1);
}
