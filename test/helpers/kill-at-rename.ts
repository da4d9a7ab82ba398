// Loaded into a child process before the program, by `eigenshardUntilRename`: the process kills itself just before a file
// gets its name. A signal from outside would come at a moment that depends on the machine.
import fs, { type PathLike } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

/** Absolute path of the file that does not get its name. */
const target = process.env.KILL_AT_RENAME!;
const { renameSync } = fs;

Object.assign(fs, {
  renameSync(from: PathLike, to: PathLike) {
    if (String(to) === target) process.kill(process.pid, 'SIGKILL');
    renameSync(from, to);
  },
});
syncBuiltinESMExports();
