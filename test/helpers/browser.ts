import { existsSync } from 'node:fs';
import type { ExecutionContext } from 'ava';
import { type Browser, chromium } from 'playwright-core';

const EXECUTABLE = '/usr/bin/chromium';

/** Options of Chromium: no sandbox, because root has none in a container; nothing that would ask the network. */
const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/**
 * A headless Chromium, closed after the test.
 *
 * @returns null where there is none, after saying so in the test's log and passing the test
 */
export async function headlessBrowser(t: ExecutionContext): Promise<Browser | null> {
  if (!existsSync(EXECUTABLE)) {
    t.log(`SKIPPED: ${EXECUTABLE} is absent`);
    t.pass();
    return null;
  }
  const browser = await chromium.launch({ executablePath: EXECUTABLE, args: FLAGS });
  t.teardown(() => browser.close());
  return browser;
}
