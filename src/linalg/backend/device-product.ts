import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { fromPlainError, type PlainError, RunError } from '../../errors.js';
import { STRIP_ROWS } from '../../plan/plan-run.js';
import { splitRows } from '../../plan/row-ranges.js';
import { checkShapes, checkWhole, type Matrix, type Shape } from '../matrix.js';
import type { FixedOperand } from '../onnx-operator.js';
import type { FixedMultiplication } from './backend.js';

/** Asks the thread that has the device for products with an operand, over a port of their own. */
export interface DeviceRequest {
  operand: FixedOperand;
  /** Rows of every product. */
  rows: number;
  port: MessagePort;
}

/** Strip that is sent to the device, and room for its product; both come back. */
export interface DeviceStrip {
  /** [rows, k] */
  a: Float32Array<ArrayBuffer>;
  /** [rows, n] */
  out: Float32Array<ArrayBuffer>;
}

/** Answer of the device's thread: first, without a strip, that the operand lies on the device; then strip by strip. */
export type DeviceAnswer = { ok: true; strip: DeviceStrip | null } | { ok: false; error: PlainError };

/** Sends a request on to the thread that has the device. */
export type ConnectDevice = (request: DeviceRequest) => void;

/** Call that waits for its answer. */
interface Waiting {
  resolve: (strip: DeviceStrip | null) => void;
  reject: (error: Error) => void;
}

/**
 * Dense products out = A B in float32 with a B that stays on a device, which belongs to another thread of the process.
 *
 * Every product that the device computes has the same number of rows, those that are left over filled with zeros: a
 * device may choose its program by the shape, and so gives a row the same bits however many stand around it.
 *
 * Memory: of every strip that is under way, a copy of its rows and of its product.
 */
export class DeviceProduct implements FixedMultiplication {
  readonly isAside = true;
  readonly #b: Shape;
  readonly #port: MessagePort;
  /** In the order in which they were sent, which is that of the answers. */
  readonly #waiting: Waiting[] = [];
  readonly #spare: DeviceStrip[] = [];
  #isClosed = false;

  private constructor(b: Shape, port: MessagePort) {
    this.#b = b;
    this.#port = port;
    port.on('message', (answer: DeviceAnswer) => {
      const { resolve, reject } = this.#waiting.shift()!;
      if (this.#waiting.length === 0) port.unref();
      if (answer.ok) resolve(answer.strip);
      else reject(fromPlainError(answer.error));
    });
    port.on('close', () => {
      this.#isClosed = true;
      for (const { reject } of this.#waiting.splice(0)) reject(deviceGone());
    });
    port.unref();
  }

  /**
   * Brings B to the device.
   * @param b [k, n], needed no more afterwards
   * @param connect sends a request on to the thread that has the device
   * @throws RunError where the device cannot take it
   */
  static async create(b: FixedOperand, connect: ConnectDevice): Promise<DeviceProduct> {
    if ('values' in b) checkWhole(b);
    const { port1, port2 } = new MessageChannel();
    const { rows, columns } = b;
    const product = new DeviceProduct({ rows, columns, values: { length: rows * columns } }, port1);
    // Sent as a view, the whole memory around it would be copied.
    const operand = 'values' in b ? { ...b, values: b.values.slice() } : b;
    try {
      await product.#answer(() => connect({ operand, rows: STRIP_ROWS, port: port2 }));
    } catch (error) {
      await product.release();
      throw error;
    }
    return product;
  }

  /** Computes out = A B. Shapes [m, k] x [k, n] -> [m, n]. A may be written again as soon as the call returns. */
  async multiply(a: Matrix<Float32Array>, out: Matrix<Float32Array>): Promise<void> {
    checkShapes(a, this.#b, out);
    const [k, n] = [this.#b.rows, this.#b.columns];
    const strips = splitRows(a.rows, STRIP_ROWS).map(async ({ first, count }) => {
      const product = await this.#send(a.values.subarray(first * k, (first + count) * k));
      out.values.set(product.out.subarray(0, count * n), first * n);
      this.#spare.push(product);
    });
    // Also after a failure: until they have ended, they write to `out`.
    await Promise.allSettled(strips);
    await Promise.all(strips);
  }

  /** Lets go of B. */
  async release(): Promise<void> {
    this.#port.close();
  }

  async #send(rows: Float32Array): Promise<DeviceStrip> {
    const strip = this.#spare.pop() ?? this.#newStrip();
    strip.a.set(rows);
    strip.a.fill(0, rows.length);
    const answer = await this.#answer(() =>
      this.#port.postMessage(strip, [strip.a.buffer, strip.out.buffer]),
    );
    return answer!;
  }

  #newStrip(): DeviceStrip {
    const { rows, columns } = this.#b;
    return { a: new Float32Array(STRIP_ROWS * rows), out: new Float32Array(STRIP_ROWS * columns) };
  }

  /** Answer to what `send` sends; until it comes, the thread does not end by itself. */
  #answer(send: () => void): Promise<DeviceStrip | null> {
    return new Promise((resolve, reject) => {
      if (this.#isClosed) throw deviceGone();
      this.#waiting.push({ resolve, reject });
      this.#port.ref();
      send();
    });
  }
}

function deviceGone(): RunError {
  return new RunError('the thread that has the WebGPU device ended, and with it what lay on the device');
}
