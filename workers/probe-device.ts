import { writeFileSync } from 'node:fs';
import { loadKoffi } from '../src/linalg/backend/koffi.js';
import { type VulkanDevice, vulkanDevices } from '../src/linalg/backend/vulkan-devices.js';
import type { AdapterFindings } from '../src/linalg/backend/webgpu-adapter.js';
import { OnnxOperator } from '../src/linalg/onnx-operator.js';
import { loadOnnxruntime } from '../src/linalg/onnxruntime.js';

// The entry of a process that opens a WebGPU device, and says on stdout what it has found.

/** Loader of Vulkan, by which WebGPU reaches devices on Linux. */
const VULKAN_LOADER = 'libvulkan.so.1';

try {
  // So that it logs what devices it finds.
  (await loadOnnxruntime()).env.logLevel = 'info';
  const values = Float32Array.of(1, 2, 3, 4);
  const b = { values, rows: 2, columns: 2 };
  const operator = await OnnxOperator.create({
    ...({ operator: 'MatMul', dtype: 'float32', threads: 1, provider: 'webgpu' } as const),
    b,
  });
  await operator.run({ a: b }, { ...b, values: new Float32Array(4) });
  await operator.release();
  const findings: AdapterFindings = { vulkan: await devices() };
  writeFileSync(1, `\n${JSON.stringify(findings)}\n`);
} catch (error) {
  writeFileSync(2, `\nprobe: ${(error as Error).message.trim().split('\n')[0]}\n`);
  process.exitCode = 1;
}

/** Devices of Vulkan; none where koffi, an optional dependency, is not installed. */
async function devices(): Promise<VulkanDevice[]> {
  if (process.platform !== 'linux') return [];
  try {
    return vulkanDevices(await loadKoffi(), VULKAN_LOADER);
  } catch {
    return [];
  }
}
