import { execFile } from 'node:child_process';
import { release, type } from 'node:os';
import { fileURLToPath } from 'node:url';
import { InputError } from '../../errors.js';
import { forbidShaderCaches } from './device-thread.js';
import type { VulkanDevice } from './vulkan-devices.js';

/** What a process that has opened a device found. */
export interface AdapterFindings {
  /** Devices of Vulkan; empty where it is not what the device is opened by, or could not be asked. */
  vulkan: VulkanDevice[];
}

/** Bytes that libraries may print while a device is opened. */
const MOST_PRINTED_BYTES = 2 ** 26;

/** Milliseconds that a device may take to be opened. */
const PATIENCE_MS = 60_000;

/**
 * Finds the device that onnxruntime takes, and its name, in a process of its own: a driver that crashes ends that one, and
 * what libraries print on the way is not mixed with the messages of this program.
 *
 * @throws InputError where there is none that works
 */
export async function findAdapter(): Promise<string> {
  const { findings, printed, failure } = await probe();
  if (findings !== null) return adapterName(findings, printed);
  throw new InputError(
    `no device that WebGPU can use: ${reasonOf(printed) ?? failure}. It takes a graphics card and its driver: on Linux ` +
      'one for Vulkan, and its loader (Debian and Ubuntu: apt install libvulkan1). Install what is missing, or give ' +
      '--backend portable',
  );
}

/**
 * Names the adapter with its driver: as Vulkan does, or else by what onnxruntime has logged of the machine.
 *
 * @param log of onnxruntime
 */
export function adapterName({ vulkan }: AdapterFindings, log: string): string {
  // WebGPU prefers a card of its own; which of several, it does not say.
  const best = Math.min(...vulkan.map(({ rank }) => rank));
  const names = vulkan.filter(({ rank }) => rank === best).map(({ name }) => name);
  if (names.length === 0) names.push(...loggedDevices(log).map((name) => `${name}, ${type()} ${release()}`));
  return [...new Set(names)].join(' or ') || 'an adapter without a name';
}

/** Graphics devices that onnxruntime has found in the machine, by vendor, number and, on Windows, name. */
function loggedDevices(log: string): string[] {
  const found = [
    ...log.matchAll(/Discovered OrtHardwareDevice \{(.*?), vendor:(.*?), type:1, metadata: (.*)\}/g),
  ];
  return found.map(([, numbers, vendor, metadata]) => {
    const [, description] = /Description[=:] ?([^,\]]+)/.exec(metadata!) ?? [];
    return description?.trim() ?? `${vendor} (${numbers})`;
  });
}

/** Why no device was opened, in the words of the libraries; null where they said nothing. */
function reasonOf(printed: string): string | null {
  const reasons = printed.split('\n').flatMap((line) => {
    const [, reason] = /^Warning: (.*)|^probe: (?:.* was false\. )?(.*)/.exec(line)?.filter(Boolean) ?? [];
    return reason === undefined ? [] : [reason.trim().replace(/[.!]+$/, '')];
  });
  return reasons.length === 0 ? null : [...new Set(reasons.reverse())].join('; ');
}

/** What the process has found; null where it was kept from saying it. */
function findingsIn(line: string): AdapterFindings | null {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}

/** Opens the device in a process of its own, and tells what that printed. */
function probe(): Promise<{ findings: AdapterFindings | null; printed: string; failure: string }> {
  const entry = fileURLToPath(new URL('../../../workers/probe-device.js', import.meta.url));
  const env: NodeJS.ProcessEnv = { ...process.env, ORT_DISABLE_TELEMETRY: '1' };
  forbidShaderCaches(env);
  return new Promise((resolve) => {
    const limits = { timeout: PATIENCE_MS, maxBuffer: MOST_PRINTED_BYTES };
    execFile(process.execPath, [entry], { env, ...limits }, (error, stdout, stderr) => {
      const failure =
        error?.signal == null
          ? 'opening it failed'
          : error.killed && error.code !== 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER'
            ? `opening it took more than ${PATIENCE_MS / 1000} s`
            : `opening it ended the process with ${error.signal}: its driver is faulty`;
      // Layers of a driver may print before it.
      const findings = error === null ? findingsIn(stdout.trimEnd().split('\n').at(-1)!) : null;
      resolve({ findings, printed: stderr, failure });
    });
  });
}
