import type { ExecutionContext } from 'ava';

/** Asserts that two arrays hold the same bytes; `deepEqual` takes half a second for each megabyte. */
export function sameBits(
  t: ExecutionContext,
  actual: ArrayBufferView,
  expected: ArrayBufferView,
  message?: string,
): void {
  t.is(actual.constructor, expected.constructor);
  const bytes = ({ buffer, byteOffset, byteLength }: ArrayBufferView) =>
    Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength);
  t.true(bytes(actual).equals(bytes(expected)), message ?? 'the bytes differ');
}
