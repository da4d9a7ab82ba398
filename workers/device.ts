import { statSync } from 'node:fs';
import { parentPort } from 'node:worker_threads';
import { EigenshardError, RunError, toPlainError } from '../src/errors.js';
import { explained } from '../src/files/failure-message.js';
import type { DeviceAnswer, DeviceRequest, DeviceStrip } from '../src/linalg/backend/device-product.js';
import { type FixedOperand, OnnxOperator } from '../src/linalg/onnx-operator.js';

// The entry of the one thread that has the device. A call of onnxruntime holds the thread until its product is there,
// so that the strips of all that ask are multiplied one after the other, as they come.

/** Operand on the device, shared by all that ask for it. */
interface Held {
  operator: Promise<OnnxOperator>;
  users: number;
}

const held = new Map<string, Held>();

parentPort!.on('message', (request: DeviceRequest) => void serve(request));

/** Answers over the request's port until it is closed. */
async function serve({ operand, rows, port }: DeviceRequest): Promise<void> {
  const { rows: k, columns: n } = operand;
  const answer = (message: DeviceAnswer) =>
    port.postMessage(message, message.ok && message.strip ? buffersOf(message.strip) : []);
  const key = keyOf(operand);
  const shared = held.get(key) ?? { operator: openOperator(operand, rows), users: 0 };
  held.set(key, shared);
  shared.users++;
  port.once('close', () => letGo(key, shared));
  port.on('message', async (strip: DeviceStrip) => {
    try {
      const operator = await shared.operator;
      await operator.run(
        { a: { values: strip.a, rows, columns: k } },
        { values: strip.out, rows, columns: n },
      );
      answer({ ok: true, strip });
    } catch (error) {
      answer({ ok: false, error: toPlainError(deviceFailure(error, operand)) });
    }
  });
  try {
    await shared.operator;
    answer({ ok: true, strip: null });
  } catch (error) {
    answer({ ok: false, error: toPlainError(deviceFailure(error, operand)) });
  }
}

/** Brings an operand to the device, and multiplies once: too little memory does not show before. */
async function openOperator(b: FixedOperand, rows: number): Promise<OnnxOperator> {
  const operator = await OnnxOperator.create({
    operator: 'MatMul',
    dtype: 'float32',
    threads: 1,
    provider: 'webgpu',
    b,
  });
  const zeros = (columns: number) => ({ values: new Float32Array(rows * columns), rows, columns });
  try {
    await operator.run({ a: zeros(b.rows) }, zeros(b.columns));
  } catch (error) {
    await operator.release();
    throw error;
  }
  return operator;
}

/** Frees what nobody asks for any more. */
async function letGo(key: string, shared: Held): Promise<void> {
  shared.users--;
  if (shared.users > 0) return;
  if (held.get(key) === shared) held.delete(key);
  await shared.operator.then((operator) => operator.release()).catch(() => {});
}

let inMemory = 0;

/** Name of an operand: that of the bytes of its file, or one of its own where it comes from memory. */
function keyOf(operand: FixedOperand): string {
  if (!('file' in operand)) return `memory ${inMemory++}`;
  const found = statSync(operand.file, { bigint: true, throwIfNoEntry: false });
  return JSON.stringify([operand, String(found?.dev), String(found?.ino), String(found?.mtimeNs)]);
}

/** Says what a failure of onnxruntime means; others are told already. */
function deviceFailure(failure: unknown, { rows, columns }: FixedOperand): unknown {
  const error = explained(failure);
  if (error instanceof EigenshardError || !(error instanceof Error)) return error;
  const megabytes = Math.ceil((rows * columns * 4) / 1e6);
  return new RunError(
    `the WebGPU device failed: ${firstLine(error.message)}. It has to hold a matrix of ${megabytes} MB: see that it has ` +
      'that much memory free and that its driver is well, or compute without it (--backend portable)',
    { cause: error },
  );
}

function firstLine(message: string): string {
  return message.trim().split('\n')[0]!.replace(/\.$/, '');
}

function buffersOf({ a, out }: DeviceStrip): ArrayBuffer[] {
  return [a.buffer, out.buffer];
}
