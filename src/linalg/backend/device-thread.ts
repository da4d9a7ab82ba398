import { isMainThread, Worker } from 'node:worker_threads';
import { RunError } from '../../errors.js';
import { forbidTelemetry } from '../onnxruntime.js';
import type { DeviceRequest } from './device-product.js';

let thread: Worker | undefined;

/**
 * Sends a request on to the one thread of the process that has the device, which is started with the first: neither
 * onnxruntime nor drivers bear two. It ends with the process.
 *
 * @throws RunError outside of the main thread
 */
export function connectDevice(request: DeviceRequest): void {
  thread ??= startThread();
  thread.postMessage(request, [request.port]);
}

/** @throws RunError outside of the main thread, which alone starts the thread that has the device */
export function refuseOtherThreads(): void {
  if (isMainThread) return;
  throw new RunError(
    '--backend webgpu: one thread alone can have the device, and the main thread starts it: call from there',
  );
}

function startThread(): Worker {
  refuseOtherThreads();
  forbidTelemetry();
  forbidShaderCaches(process.env);
  const worker = new Worker(new URL('../../../workers/device.js', import.meta.url));
  worker.unref();
  // Whoever waits for it hears of its end through a port.
  worker.on('error', () => {});
  worker.once('exit', () => {
    thread = undefined;
  });
  return worker;
}

/** Keeps the drivers of NVIDIA and Mesa from writing compiled programs under the home directory. */
export function forbidShaderCaches(environment: NodeJS.ProcessEnv): void {
  environment.__GL_SHADER_DISK_CACHE = '0';
  environment.MESA_SHADER_CACHE_DISABLE = 'true';
}
