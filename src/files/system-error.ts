/** Error in which the system refuses something. */
interface SystemError extends Error {
  /** Name of the refusal, such as ENOSPC. */
  code: string;
  /** Call that was refused, such as open. */
  syscall?: string;
  path?: string;
}

/**
 * Takes an error for the system's refusal of a file.
 *
 * @returns null for every other error: a fault of the program, one that was explained already, one of the network
 */
export function systemError(error: unknown): SystemError | null {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return null;
  if ('address' in error || 'hostname' in error || !/^E[A-Z0-9]+$|^ERR_FS_/.test(error.code)) return null;
  return error as SystemError;
}

/** Takes an error for the refusal of a file, and that for one that there is not. */
export function isMissing(error: unknown): boolean {
  const code = systemError(error)?.code;
  // ENOTDIR: below a file there is nothing either.
  return code === 'ENOENT' || code === 'ENOTDIR';
}

/**
 * Says what an unusual refusal is, in the system's own words: those that are usual have an explanation with advice.
 *
 * @returns null where nothing shows that the error comes from a call for a file
 */
export function refusalText({ code, syscall, message }: SystemError): string | null {
  if (code.startsWith('ERR_FS_')) return message;
  if (syscall === undefined || !fileCalls.has(syscall)) return null;
  const [, words = 'the system refuses it'] = /^[A-Z0-9]+: ([^,]+)/.exec(message) ?? [];
  return words;
}

/** Calls that are for files; errors of sockets have other calls, or name an address. */
const fileCalls: ReadonlySet<string> = new Set([
  ...['open', 'close', 'read', 'write', 'fsync', 'ftruncate', 'stat', 'lstat', 'fstat', 'statfs', 'access'],
  ...['rename', 'unlink', 'rm', 'mkdir', 'rmdir', 'scandir', 'opendir', 'realpath', 'readlink', 'copyfile'],
  ...['link', 'symlink', 'chmod', 'utime', 'futime'],
]);

/** Call that fails where the working directory was removed. */
const WORKING_DIRECTORY = 'uv_cwd';

/** Explanation that holds for every file: without a working directory there are no relative paths. */
export function lostDirectoryText({ syscall }: SystemError): string | null {
  if (syscall !== WORKING_DIRECTORY) return null;
  return 'the working directory was removed: change to one that exists (cd), and run the same command again';
}
