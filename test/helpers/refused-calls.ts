import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

/** Call of node:fs that a test lets the system refuse. */
export interface Refusal {
  /** Names of the functions; all that a run uses where nothing is said. */
  calls?: readonly string[];
  /** Name of the refusal, such as EIO. With SIGKILL the process is gone instead, half-way through what it writes. */
  code: string;
  /** Part of the path; calls with a descriptor are known by the path that it was opened with. */
  path: string;
  /** Number of the call that is refused, from 0, of those with this path; all where nothing is said. */
  at?: number;
  /** Whether all are refused from that one on, as of a disk that is full. */
  isSticky?: boolean;
}

const runCalls = [
  ...['openSync', 'closeSync', 'readSync', 'writeSync', 'fsyncSync', 'ftruncateSync', 'truncateSync'],
  ...['renameSync', 'linkSync', 'rmSync', 'mkdirSync', 'rmdirSync', 'readdirSync', 'statSync', 'fstatSync'],
  ...['readFileSync', 'writeFileSync'],
];

/**
 * Refuses calls in this process, as a disk or a file system would. What closes a file closes it all the same.
 *
 * @returns how many calls there were with the path, and a function that ends it
 */
export function refuseCalls({ calls = runCalls, code, path, at, isSticky = false }: Refusal): {
  seen: () => number;
  end: () => void;
} {
  const functions = fs as unknown as Record<string, (...args: unknown[]) => unknown>;
  const originals = new Map([...new Set([...calls, 'openSync'])].map((name) => [name, functions[name]!]));
  const opened = new Map<unknown, string>();
  let seen = 0;
  for (const [name, original] of originals) {
    functions[name] = (...args: unknown[]) => {
      const file = typeof args[0] === 'number' ? (opened.get(args[0]) ?? '') : String(args[0]);
      const isSeen = calls.includes(name) && file.includes(path);
      const number = isSeen ? seen++ : -1;
      const isMeant = isSeen && (at === undefined || number === at || (isSticky && at >= 0 && number > at));
      if (isMeant && code === 'SIGKILL') {
        if (name === 'writeSync') tear(original, args);
        process.kill(process.pid, 'SIGKILL');
      }
      if (isMeant && name !== 'closeSync')
        throw refusal(name, code, typeof args[0] === 'string' ? args[0] : undefined);
      const result = original(...args);
      if (name === 'openSync') opened.set(result, file);
      if (isMeant) throw refusal(name, code, undefined);
      return result;
    };
  }
  syncBuiltinESMExports();
  return {
    seen: () => seen,
    end: () => {
      Object.assign(functions, Object.fromEntries(originals));
      syncBuiltinESMExports();
    },
  };
}

/** Writes the first half of what is to be written. */
function tear(write: (...args: unknown[]) => unknown, [file, bytes, ...rest]: unknown[]): void {
  const whole = bytes as Uint8Array;
  write(
    file,
    whole.subarray(0, whole.length >> 1),
    ...(typeof rest.at(-1) === 'number' ? [0, whole.length >> 1, rest.at(-1)] : []),
  );
}

function refusal(name: string, code: string, path: string | undefined): Error {
  const syscall = name.replace(/Sync$|File/g, '').replace('readdir', 'scandir');
  const error = new Error(`${code}: system text, ${syscall}${path === undefined ? '' : ` '${path}'`}`);
  return Object.assign(error, { code, syscall, errno: -5, ...(path === undefined ? {} : { path }) });
}

// As a preload of a process and its threads: node --import.
if (process.env.REFUSED_CALLS !== undefined) refuseCalls(JSON.parse(process.env.REFUSED_CALLS) as Refusal);
