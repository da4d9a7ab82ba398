import { InputError } from '../errors.js';

/**
 * Turns what the system says about a file into an InputError with the path and what to do. Any other error, an
 * InputError among them, comes back as it is, so `throw asInputError(...)` fits every catch around file access.
 *
 * @param role what the file is to the user, for the message: 'the metric', 'the checkpoint'
 */
export function asInputError(error: unknown, file: string, role: string): unknown {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  const explanation = typeof code === 'string' ? explanations[code] : undefined;
  if (explanation === undefined) return error;
  return new InputError(`${file}: cannot read ${role}: ${explanation} (${String(code)})`, { cause: error });
}

const explanations: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file or directory; check the path',
  ENOTDIR: 'a part of the path is a file, not a directory; check the path',
  EACCES: 'permission denied; make it readable for the user who runs eigenshard',
  EPERM: 'permission denied; make it readable for the user who runs eigenshard',
  EISDIR: 'it is a directory; give the path of the file itself',
  ELOOP: 'its symbolic links lead in a circle; give the path of the file itself',
  ENAMETOOLONG: 'the path is too long; check it',
  EMFILE: 'too many files are open; raise the limit (ulimit -n) or use fewer workers',
  ENFILE: 'too many files are open on this machine; close some programs',
  EIO: 'the disk reports a read error; copy the file from a good source',
  ESTALE: 'the network file system lost the file; mount it again',
};
