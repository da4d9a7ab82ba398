import { existsSync } from 'node:fs';
import path from 'node:path';
import type { ExecutionContext } from 'ava';
import { InputError } from '../../src/errors.js';
import type { Backend } from '../../src/linalg/backend/backend.js';
import { chooseBackend } from '../../src/linalg/backend/choose-backend.js';
import { loadKoffi } from '../../src/linalg/backend/koffi.js';
import { testUnless } from './test-unless.js';

/** Folder of Debian's chromium, which brings SwiftShader, a Vulkan driver of software, and Vulkan's loader. */
const chromium = '/usr/lib/chromium';
const driver = path.join(chromium, 'vk_swiftshader_icd.json');

const isChromiums = existsSync(driver) && process.env.VK_DRIVER_FILES === undefined;
if (isChromiums) {
  // For this process, and for those that tests start.
  process.env.VK_DRIVER_FILES = driver;
  process.env.LD_LIBRARY_PATH = [chromium, process.env.LD_LIBRARY_PATH ?? []].flat().join(':');
}

/** Vulkan's loader, which this process finds by its name as long as it is held: it began without that path. */
export const vulkan = isChromiums
  ? await loadKoffi().then(
      (koffi) => koffi.load(path.join(chromium, 'libvulkan.so.1')),
      () => null,
    )
  : null;

const device = await chooseBackend({ backend: 'webgpu' }, () => {}).catch((error: unknown) => {
  // One that is there and fails is no reason to skip.
  if (error instanceof InputError && error.message.startsWith('no device')) return error;
  throw error;
});

/** Declares a test that is handed the backend of a WebGPU device: SwiftShader's, where there is one. */
export function webgpuTest(
  title: string,
  body: (t: ExecutionContext, backend: Backend) => Promise<void>,
): void {
  const missing = device instanceof InputError ? device.message.replace(/\. [\s\S]*/, '') : null;
  testUnless(missing)(title, (t) => {
    if (device instanceof InputError) throw device;
    t.log(device.identity.float32);
    return body(t, device);
  });
}
