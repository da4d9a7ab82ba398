import type { Koffi } from './koffi.js';

/** Device as Vulkan tells of it. */
export interface VulkanDevice {
  /** With the version of its driver. */
  name: string;
  /** How soon one that has the choice takes it: 0 for a card of its own, 1 for a part of the processor, 2 for software. */
  rank: number;
}

/** VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO, the one field of the structure that is not 0. */
const INSTANCE_CREATE_INFO = 1;
const INSTANCE_CREATE_INFO_BYTES = 64;
/** More than VkPhysicalDeviceProperties has, 824. */
const PROPERTIES_BYTES = 2048;

/** Fields of VkPhysicalDeviceProperties, by their offset. */
const DRIVER_VERSION = 4;
const VENDOR = 8;
const DEVICE_TYPE = 16;
const DEVICE_NAME = [20, 276] as const;

/** Ranks by VkPhysicalDeviceType: other, integrated, discrete, virtual, processor. */
const RANKS = [2, 1, 0, 2, 2];

const NVIDIA = 0x10de;

/**
 * Lists the devices of the system's Vulkan.
 *
 * @param library name of Vulkan's loader
 * @throws Error where it cannot be loaded, or refuses
 */
export function vulkanDevices(koffi: Koffi, library: string): VulkanDevice[] {
  const vulkan = koffi.load(library);
  const create = vulkan.func('vkCreateInstance', 'int', ['void *', 'void *', 'void *']);
  const enumerate = vulkan.func('vkEnumeratePhysicalDevices', 'int', ['uint64_t', 'void *', 'void *']);
  const describe = vulkan.func('vkGetPhysicalDeviceProperties', 'void', ['uint64_t', 'void *']);
  const destroy = vulkan.func('vkDestroyInstance', 'void', ['uint64_t', 'void *']);
  const succeed = (result: unknown) => {
    if (result !== 0) throw new Error(`Vulkan refuses with ${result}`);
  };

  const info = Buffer.alloc(INSTANCE_CREATE_INFO_BYTES);
  info.writeUInt32LE(INSTANCE_CREATE_INFO);
  const handle = new BigUint64Array(1);
  succeed(create(info, null, handle));
  const [instance] = handle;
  try {
    const count = new Uint32Array(1);
    succeed(enumerate(instance, count, null));
    const devices = new BigUint64Array(count[0]!);
    succeed(enumerate(instance, count, devices));
    return Array.from(devices, (device) => {
      const properties = Buffer.alloc(PROPERTIES_BYTES);
      describe(device, properties);
      return deviceOf(properties);
    });
  } finally {
    destroy(instance, null);
  }
}

/** Reads VkPhysicalDeviceProperties. */
export function deviceOf(properties: Buffer): VulkanDevice {
  const [name] = properties.toString('utf8', ...DEVICE_NAME).split('\0');
  const version = versionText(properties.readUInt32LE(DRIVER_VERSION), properties.readUInt32LE(VENDOR));
  return { name: `${name}, driver ${version}`, rank: RANKS[properties.readUInt32LE(DEVICE_TYPE)] ?? 2 };
}

/** Version of a driver, which NVIDIA packs in its own way, in 10, 8, 8 and 6 bits, and others in 10, 10 and 12. */
function versionText(version: number, vendor: number): string {
  const parts =
    vendor === NVIDIA
      ? [version >>> 22, (version >>> 14) & 0xff, (version >>> 6) & 0xff]
      : [version >>> 22, (version >>> 12) & 0x3ff, version & 0xfff];
  return parts.join('.');
}
