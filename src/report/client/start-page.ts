import type { PackedArray, PackedEntry } from '../packed-arrays.js';
import { byId } from './dom.js';
import { loadPage } from './load.js';
import { startMenu } from './menu.js';
import { startTheme } from './theme.js';

/** Starts a page: decodes what it holds, and hands it to `show`; what goes wrong is said at its head. */
export async function startPage<Head extends { entries: PackedEntry[] }>(
  show: (contents: { head: Head; arrays: Record<string, PackedArray> }) => void,
): Promise<void> {
  const state = byId('state');
  state.textContent = 'Reading the tables …';
  startTheme();
  startMenu();
  try {
    show(await loadPage<Head>());
  } catch (error) {
    state.textContent = `The plots cannot be drawn: ${(error as Error).message}.`;
    throw error;
  }
  // The section that the address names has moved down meanwhile.
  if (location.hash.length > 1) document.getElementById(location.hash.slice(1))?.scrollIntoView();
}
