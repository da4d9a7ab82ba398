import type { Backend } from './backend.js';
import { type ConnectDevice, DeviceProduct } from './device-product.js';
import { portableBackend } from './portable-backend.js';

/**
 * Backend whose float32 products a WebGPU device computes; all else is that of the portable one, for devices have no
 * float64.
 *
 * @param adapter name of the device and of its driver
 * @param connect sends a request on to the thread that has the device
 */
export function webgpuBackend(adapter: string, connect: ConnectDevice): Backend {
  const { identity } = portableBackend;
  return {
    ...portableBackend,
    identity: { ...identity, backend: 'webgpu', float32: `WebGPU on ${adapter}` },
    choice: { backend: 'webgpu', adapter },
    fixedProduct: (b) => DeviceProduct.create(b, connect),
  };
}
