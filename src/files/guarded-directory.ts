import path from 'node:path';

/** Directory that this thread writes to without a lock, with what is checked before a file appears there. */
interface Guard {
  /** Absolute. */
  directory: string;
  /** Throws where this thread is to write nothing more there. */
  check: () => void;
}

const guards = new Set<Guard>();

/**
 * Does something during which no file appears in a directory, or is taken out of it, without a check. A lock excludes
 * others; where several write without one, each asks whether what they agreed upon still holds.
 *
 * @param check throws where this thread is to write nothing more there
 */
export async function withGuard<Result>(
  directory: string,
  check: () => void,
  work: () => Promise<Result>,
): Promise<Result> {
  const guard = { directory: path.resolve(directory), check };
  guards.add(guard);
  try {
    return await work();
  } finally {
    guards.delete(guard);
  }
}

/** Checks whether this thread may still write a file. @throws what the check of a directory above it throws */
export function checkGuards(file: string): void {
  for (const { directory, check } of guards) if (path.resolve(file).startsWith(directory + path.sep)) check();
}
