import { type EigenshardError, InputError, PassingError, RunError } from '../errors.js';
import { lostDirectoryText, refusalText, systemError } from './system-error.js';

/**
 * Turns what the system says about a file that is written, made, renamed or removed into an error with the path and
 * what to do: an InputError where another path would help, a RunError where the machine has to change. Any other error
 * comes back as it is, so `throw asOutputError(...)` fits every catch around writing.
 */
export function asOutputError(error: unknown, file: string): unknown {
  const refusal = systemError(error);
  if (refusal === null) return error;
  const lost = lostDirectoryText(refusal);
  if (lost !== null) return new InputError(lost, { cause: error });
  const known = explanations[refusal.code] ?? unusual(refusalText(refusal));
  if (known === null) return error;
  const [kind, explanation] = known;
  return new kind(`${file}: cannot write: ${explanation} (${refusal.code})`, { cause: error });
}

type ErrorClass = new (message: string, options: { cause: unknown }) => EigenshardError;
type Explanation = readonly [ErrorClass, string];

function unusual(words: string | null): Explanation | null {
  return words === null ? null : [RunError, `${words}: check the disk, or choose another path`];
}

const explanations: Readonly<Record<string, Explanation>> = {
  ENOSPC: [PassingError, 'disk full: free space, and run the same command again'],
  EDQUOT: [PassingError, 'disk quota used up: free space, and run the same command again'],
  EFBIG: [RunError, 'the file is larger than this file system or the limit (ulimit -f) allows'],
  EIO: [PassingError, 'the disk reports a write error: check it, and run the same command again'],
  EMFILE: [PassingError, 'too many files are open: raise the limit (ulimit -n) or use fewer workers'],
  ENFILE: [PassingError, 'too many files are open on this machine: close some programs'],
  ENOMEM: [PassingError, 'the machine has no memory left: close some programs or use fewer workers'],
  EBUSY: [PassingError, 'another program keeps it: end that program, or choose another path'],
  ETXTBSY: [RunError, 'another program runs it: end that program, or choose another path'],
  ESTALE: [
    PassingError,
    'the network file system lost the file: mount it again, and run the same command again',
  ],
  ETIMEDOUT: [
    PassingError,
    'the network file system does not answer: see to it, and run the same command again',
  ],
  EHOSTDOWN: [
    PassingError,
    'the network file system does not answer: see to it, and run the same command again',
  ],
  EACCES: [InputError, 'permission denied: make its directory writable, or choose another path'],
  EPERM: [InputError, 'permission denied: make its directory writable, or choose another path'],
  EROFS: [InputError, 'the file system is read-only: choose another path'],
  ENOENT: [InputError, 'its directory does not exist: create it, or choose another path'],
  ENOTDIR: [InputError, 'a part of the path is a file, not a directory: choose another path'],
  EEXIST: [InputError, 'something else stands there already: move it away, or choose another path'],
  EISDIR: [InputError, 'it is a directory: choose another path'],
  ERR_FS_EISDIR: [InputError, 'it is a directory: choose another path'],
  ENOTEMPTY: [InputError, 'a directory with files in it stands there: choose another path'],
  ENXIO: [InputError, 'it is a pipe or a device that nobody reads: choose another path'],
  ELOOP: [InputError, 'its symbolic links lead in a circle: choose another path'],
  ENAMETOOLONG: [InputError, 'the name is too long: choose a shorter one'],
  EXDEV: [InputError, 'it lies on another file system than its directory: choose another path'],
};
