import { type EigenshardError, InputError, RunError } from '../errors.js';

/**
 * Turns what the system says about writing a file into an error with the path and what to do: an InputError where
 * another path would help, a RunError where the machine has to change. Any other error comes back as it is, so
 * `throw asOutputError(...)` fits every catch around writing.
 */
export function asOutputError(error: unknown, file: string): unknown {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  const known = typeof code === 'string' ? explanations[code] : undefined;
  if (known === undefined) return error;
  const [kind, explanation] = known;
  return new kind(`${file}: cannot write: ${explanation} (${String(code)})`, { cause: error });
}

type ErrorClass = new (message: string, options: { cause: unknown }) => EigenshardError;

const explanations: Readonly<Record<string, readonly [ErrorClass, string]>> = {
  ENOSPC: [RunError, 'disk full: free space and run again with --resume'],
  EDQUOT: [RunError, 'disk quota used up: free space and run again with --resume'],
  EFBIG: [RunError, 'the file is larger than this file system or the limit (ulimit -f) allows'],
  EIO: [RunError, 'the disk reports a write error: check it, and run again with --resume'],
  EMFILE: [RunError, 'too many files are open: raise the limit (ulimit -n) or use fewer workers'],
  ENFILE: [RunError, 'too many files are open on this machine: close some programs'],
  ESTALE: [RunError, 'the network file system lost the file: mount it again, and run again with --resume'],
  EACCES: [InputError, 'permission denied: make its directory writable, or choose another path'],
  EPERM: [InputError, 'permission denied: make its directory writable, or choose another path'],
  EROFS: [InputError, 'the file system is read-only: choose another path'],
  ENOENT: [InputError, 'its directory does not exist: create it, or choose another path'],
  ENOTDIR: [InputError, 'a part of the path is a file, not a directory: choose another path'],
  EEXIST: [InputError, 'a file stands where a directory is needed: choose another path'],
  EISDIR: [InputError, 'it is a directory: choose another path'],
  ENAMETOOLONG: [InputError, 'the name is too long: choose a shorter one'],
};
