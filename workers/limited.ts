import vm from 'node:vm';

/** Where the script below finds what it is to do. */
const PLACE = 'eigenshardLimitedWork';

const script = new vm.Script(`globalThis.${PLACE}()`);

/**
 * Does synchronous work that what a file says might keep going for ever, as a regular expression can, for so long at most.
 *
 * @returns whether it has ended by itself
 */
export function endsWithin(milliseconds: number, work: () => void): boolean {
  const place = globalThis as unknown as Record<string, unknown>;
  place[PLACE] = work;
  try {
    script.runInThisContext({ timeout: milliseconds });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_SCRIPT_EXECUTION_TIMEOUT') return false;
    throw error;
  } finally {
    delete place[PLACE];
  }
}
