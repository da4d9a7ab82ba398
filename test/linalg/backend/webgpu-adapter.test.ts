import test from 'ava';
import { deviceOf } from '../../../src/linalg/backend/vulkan-devices.js';
import { adapterName } from '../../../src/linalg/backend/webgpu-adapter.js';
import { start } from '../../helpers/cli.js';
import { scratchDirectory } from '../../helpers/fixtures.js';
import { shardedModel } from '../../helpers/runs.js';
import { testUnless } from '../../helpers/test-unless.js';

/** VkPhysicalDeviceProperties, as far as it is read. */
function properties(driver: number, vendor: number, type: number, name: string): Buffer {
  const bytes = Buffer.alloc(824);
  bytes.writeUInt32LE(driver, 4);
  bytes.writeUInt32LE(vendor, 8);
  bytes.writeUInt32LE(type, 16);
  bytes.write(name, 20);
  return bytes;
}

test('devices of Vulkan are named with the version of their driver, which NVIDIA packs in its own way', (t) => {
  const nvidia = (550 << 22) | (54 << 14) | (14 << 6);
  t.deepEqual(deviceOf(properties(nvidia >>> 0, 0x10de, 2, 'NVIDIA H100')), {
    name: 'NVIDIA H100, driver 550.54.14',
    rank: 0,
  });
  const mesa = (22 << 22) | (3 << 12) | 6;
  t.deepEqual(deviceOf(properties(mesa, 0x8086, 1, 'Intel(R) Graphics')), {
    name: 'Intel(R) Graphics, driver 22.3.6',
    rank: 1,
  });
  t.is(deviceOf(properties(mesa, 0x10005, 4, 'llvmpipe')).rank, 2);
});

test('of several devices those are named that WebGPU prefers, each once', (t) => {
  const card = { name: 'a card', rank: 0 };
  const other = { name: 'another card', rank: 0 };
  const software = { name: 'software', rank: 2 };
  t.is(adapterName({ vulkan: [software, card, card] }, ''), 'a card');
  t.is(adapterName({ vulkan: [card, software, other] }, ''), 'a card or another card');
});

test('without Vulkan a device is named as onnxruntime has logged it', (t) => {
  const line = (device: string) =>
    `[I:onnxruntime:, x.cc:34 operator()] Discovered OrtHardwareDevice {${device}}`;
  const log = [
    line('vendor_id:0x1022, device_id:0x0, vendor:AMD, type:0, metadata: []'),
    line(
      'vendor_id:0x10de, device_id:0x2330, vendor:NVIDIA, type:1, metadata: [Discrete=1, Description=NVIDIA H100]',
    ),
  ];
  t.regex(adapterName({ vulkan: [] }, log.join('\n')), /^NVIDIA H100, \w+ [\d.]+/);
  const bare = line('vendor_id:0x106b, device_id:0x0, vendor:Apple, type:1, metadata: []');
  t.regex(adapterName({ vulkan: [] }, bare), /^Apple \(vendor_id:0x106b, device_id:0x0\), /);
  t.is(adapterName({ vulkan: [] }, log[0]!), 'an adapter without a name');
});

const linuxTest = testUnless(process.platform === 'linux' ? null : 'drivers are found by another way here');

linuxTest('where no device is found, one line says what was looked for and what to do', async (t) => {
  const out = scratchDirectory(t);
  const args = ['--model', shardedModel(t, 20, 8).directory, '--out', out, '--backend', 'webgpu', '--quiet'];
  const { code, stderr } = await start(args, { VK_DRIVER_FILES: '/nowhere/none.json' }).ended;
  t.is(code, 2);
  t.regex(
    stderr,
    /^eigenshard: no device that WebGPU can use: Failed to get a WebGPU adapter.*apt install libvulkan1.*or give --backend portable\n$/,
  );
});
