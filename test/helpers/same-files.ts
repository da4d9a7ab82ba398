import type { ExecutionContext } from 'ava';

/** Asserts that two runs have the same files with the same bytes, without printing the bytes. */
export function sameFiles(
  t: ExecutionContext,
  actual: ReadonlyMap<string, Buffer>,
  expected: ReadonlyMap<string, Buffer>,
): void {
  t.deepEqual([...actual.keys()], [...expected.keys()]);
  for (const [name, bytes] of expected) t.true(actual.get(name)?.equals(bytes), `${name} differs`);
}
