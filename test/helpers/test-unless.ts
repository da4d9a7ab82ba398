import test, { type ExecutionContext } from 'ava';

type Declare = (title: string, body: (t: ExecutionContext) => void | Promise<void>) => void;

/**
 * Declares tests that need what not every machine has. Where it is absent, ava counts them as skipped, and the title
 * of each says why.
 *
 * @param missing what is absent here; null where the tests can run
 */
export function testUnless(missing: string | null): Declare {
  if (missing === null) return test;
  return (title, body) => test.skip(`${title} [${missing}]`, body);
}
