import { existsSync } from 'node:fs';
import type { ExecutionContext } from 'ava';
import { type Browser, chromium } from 'playwright-core';
import { testUnless } from './test-unless.js';

const EXECUTABLE = '/usr/bin/chromium';

/** No sandbox, because root has none in a container; nothing that would ask the network by itself. */
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

/** Declares a test that calls `headlessBrowser`. */
export const browserTest = testUnless(existsSync(EXECUTABLE) ? null : `${EXECUTABLE} is absent`);

/** A headless Chromium, closed after the test. */
export async function headlessBrowser(t: ExecutionContext): Promise<Browser> {
  const browser = await chromium.launch({ executablePath: EXECUTABLE, args: FLAGS });
  t.teardown(() => browser.close());
  return browser;
}
