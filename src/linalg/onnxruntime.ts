import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { isMainThread } from 'node:worker_threads';
import type * as Onnxruntime from 'onnxruntime-node';
import { RunError } from '../errors.js';

/** Version of the package that `loadOnnxruntime` loads, without loading it. */
export function onnxruntimeVersion(): string {
  const file = createRequire(import.meta.url).resolve('onnxruntime-node/package.json');
  return JSON.parse(readFileSync(file, 'utf8')).version;
}

/**
 * Turns off the telemetry of onnxruntime, which would write a permanent id under the home directory and look up its
 * maker's hosts. The library reads the environment of the process when it is loaded, and only the main thread can
 * change that: it calls this before it starts threads that load the library, whatever the user's environment says.
 */
export function forbidTelemetry(): void {
  if (isMainThread) process.env.ORT_DISABLE_TELEMETRY = '1';
}

let loaded: Promise<typeof Onnxruntime> | undefined;

/**
 * Loads onnxruntime-node, once a thread, with its telemetry off: the only door to the package.
 * @throws RunError where it cannot be loaded, or in a thread of a process whose main thread left the telemetry on
 */
export function loadOnnxruntime(): Promise<typeof Onnxruntime> {
  loaded ??= importOnnxruntime();
  return loaded;
}

async function importOnnxruntime(): Promise<typeof Onnxruntime> {
  forbidTelemetry();
  if (process.env.ORT_DISABLE_TELEMETRY !== '1') {
    throw new RunError(
      'onnxruntime would send telemetry, and only the main thread can turn it off: ' +
        'set ORT_DISABLE_TELEMETRY=1 in the environment of the process',
    );
  }
  try {
    return await import('onnxruntime-node');
  } catch (cause) {
    throw new RunError(
      `onnxruntime-node, which multiplies, cannot be loaded here (${reasonOf(cause)}). It has libraries for Linux with ` +
        'glibc, macOS on Apple silicon, and Windows: use one of them (in a container, an image of Debian, not of Alpine)',
      { cause },
    );
  }
}

/** First line of what an error says, which for a library that is missing names it. */
function reasonOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n')[0]!;
}
