import path from 'node:path';
import { pathToFileURL } from 'node:url';
import type { ExecutionContext } from 'ava';
import type { BrowserContextOptions, Page } from 'playwright-core';
import type { Manifest } from '../../src/output/manifest.js';
import { openPage, watch } from './browser.js';
import { runWithTables } from './run-with-tables.js';

/** Report in a browser, and the run that it is of. */
export interface OpenedReport {
  page: Page;
  /** Address of the page, without a fragment. */
  url: string;
  directory: string;
  manifest: Manifest;
}

/** How a report is opened: as the browser is told, with a fragment, of a small run or the one given. */
export interface ReportOptions extends BrowserContextOptions {
  fragment?: string;
  run?: Pick<OpenedReport, 'directory' | 'manifest'>;
}

/** Opens the report of a run in a browser. At the end of the test nothing may have gone wrong, or out. */
export async function openReport(
  t: ExecutionContext,
  { fragment = '', run, ...options }: ReportOptions,
  use: (opened: OpenedReport) => Promise<void>,
): Promise<void> {
  const { directory, manifest } = run ?? (await runWithTables(t));
  const url = pathToFileURL(path.join(directory, manifest.report!.path)).href;
  const page = await openPage(t, { viewport: { width: 1280, height: 800 }, ...options });
  const { said, requests } = watch(page);
  await page.goto(`${url}${fragment}`);
  await page.locator('#chosen').waitFor({ state: 'visible' });
  await use({ page, url, directory, manifest });
  t.deepEqual(said, [], 'errors and messages of the page');
  t.deepEqual([...new Set(requests)], [url], 'requests of the page');
}

/** Whether an element lies within the window in full width, its top in sight. */
export async function isInView(page: Page, selector: string): Promise<boolean> {
  const box = await page.locator(selector).boundingBox();
  const { width, height } = page.viewportSize()!;
  return box !== null && box.y >= 0 && box.y < height && box.x >= 0 && box.x + box.width <= width;
}
