import { InputError } from '../errors.js';
import { lostDirectoryText, refusalText, systemError } from './system-error.js';

/**
 * Turns what the system says about a file that is read into an InputError with the path and what to do. Any other
 * error, an InputError among them, comes back as it is, so `throw asInputError(...)` fits every catch around reading.
 *
 * @param role what the file is to the user, for the message: 'the metric', 'the checkpoint'
 */
export function asInputError(error: unknown, file: string, role: string): unknown {
  const refusal = systemError(error);
  if (refusal === null) return error;
  const lost = lostDirectoryText(refusal);
  if (lost !== null) return new InputError(lost, { cause: error });
  const explanation = explanations[refusal.code] ?? unusual(refusalText(refusal));
  if (explanation === null) return error;
  const failure = new InputError(`${file}: cannot read ${role}: ${explanation} (${refusal.code})`, {
    cause: error,
  });
  failure.isPassing = passing.has(refusal.code);
  return failure;
}

/** Refusals that lie with the machine or the network, not with the file. */
const passing: ReadonlySet<string> = new Set([
  ...['EMFILE', 'ENFILE', 'ENOMEM', 'EBUSY', 'ESTALE', 'ETIMEDOUT', 'EHOSTDOWN'],
]);

function unusual(words: string | null): string | null {
  return words === null ? null : `${words}; check the file and its disk`;
}

const explanations: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file or directory; check the path',
  ENOTDIR: 'a part of the path is a file, not a directory; check the path',
  EACCES: 'permission denied; make it readable for the user who runs eigenshard',
  EPERM: 'permission denied; make it readable for the user who runs eigenshard',
  EISDIR: 'it is a directory; give the path of the file itself',
  ENXIO: 'it is a pipe or a device, not a file; give the path of the file itself',
  ENODEV: 'it is a device, not a file; give the path of the file itself',
  ELOOP: 'its symbolic links lead in a circle; give the path of the file itself',
  ENAMETOOLONG: 'the path is too long; check it',
  EMFILE: 'too many files are open; raise the limit (ulimit -n) or use fewer workers',
  ENFILE: 'too many files are open on this machine; close some programs',
  ENOMEM: 'the machine has no memory left; close some programs or use fewer workers',
  EFBIG: 'the file is too large for this system; is it the right one?',
  ERR_FS_FILE_TOO_LARGE: 'the file is too large to be read at once; is it the right one?',
  EIO: 'the disk reports a read error; copy the file from a good source',
  EBUSY: 'another program keeps it; end that program, or wait for it',
  ESTALE: 'the network file system lost the file; mount it again',
  ETIMEDOUT: 'the network file system does not answer; see to its server, or mount it again',
  EHOSTDOWN: 'the network file system does not answer; see to its server, or mount it again',
};
