/**
 * Does some work while other work, which it awaits when it needs it, goes on beside it. Until then a failure of the other is not
 * taken for one that nobody sees, which would end the process; and whatever fails first, the other is not left behind.
 *
 * @param other has begun
 */
export async function goOnBeside<Result>(
  other: Promise<unknown>,
  work: () => Promise<Result>,
): Promise<Result> {
  const ended = Promise.allSettled([other]);
  try {
    return await work();
  } finally {
    await ended;
  }
}
