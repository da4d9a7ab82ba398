import { existsSync } from 'node:fs';
import type { ExecutionContext } from 'ava';
import { type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { testUnless } from './test-unless.js';
import { until } from './until.js';

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

/** Longer than Playwright's own half minute, in which a machine with other work to do may not be done. */
const PATIENCE_MS = 300_000;

/** Declares a test that calls `openPage`. */
export const browserTest = testUnless(existsSync(EXECUTABLE) ? null : `${EXECUTABLE} is absent`);

/** An empty page of a headless Chromium, which is closed after the test. */
export async function openPage(t: ExecutionContext, options: BrowserContextOptions): Promise<Page> {
  const browser = await chromium.launch({ executablePath: EXECUTABLE, args: FLAGS, timeout: PATIENCE_MS });
  t.teardown(() => browser.close());
  const page = await browser.newPage(options);
  page.setDefaultTimeout(PATIENCE_MS);
  return page;
}

/**
 * Waits until an expression is true of a page. Playwright's own waitForFunction evaluates it again from within the page, which the
 * policy of our pages refuses.
 */
export function untilTrue(page: Page, expression: string): Promise<void> {
  return until(() => page.evaluate<boolean>(expression));
}

/** What a page has said on its console, errors included, and the addresses that it has asked for, without fragments. */
export interface Watched {
  said: string[];
  requests: string[];
}

/** Notes from now on what a page says and asks for. */
export function watch(page: Page): Watched {
  const watched: Watched = { said: [], requests: [] };
  page.on('console', (message) => watched.said.push(`${message.type()}: ${message.text()}`));
  page.on('pageerror', (error) => watched.said.push(String(error)));
  page.on('request', (request) => watched.requests.push(request.url().split('#')[0]!));
  return watched;
}

/** Whether a canvas has any pixel that is not transparent. */
export function hasInk(page: Page, selector: string): Promise<boolean> {
  return page.locator(selector).evaluate((canvas) => {
    const { width, height } = canvas as unknown as { width: number; height: number };
    const { data } = (
      canvas as unknown as {
        getContext(kind: '2d'): {
          getImageData(x: number, y: number, width: number, height: number): { data: Uint8ClampedArray };
        };
      }
    )
      .getContext('2d')
      .getImageData(0, 0, width, height);
    return data.some((value) => value > 0);
  });
}
