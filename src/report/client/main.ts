import { listDistortedTokens } from './distortion-lists.js';
import { drawDistribution } from './distribution.js';
import { byId } from './dom.js';
import { startEigenvectorExplorer } from './eigenvector-explorer.js';
import { startExtremeLists } from './extreme-lists.js';
import { followAddress, selectionOfAddress } from './follow-address.js';
import { startIndexInput } from './index-input.js';
import { drawIndexPlots } from './index-plots.js';
import { loadReport } from './load.js';
import { showMarksText } from './marks-text.js';
import { startMenu } from './menu.js';
import type { Report } from './report.js';
import { saveOverviewTables } from './save-overview-tables.js';
import { startTheme } from './theme.js';
import { bringCardIntoView, startTokenCard } from './token-card.js';
import { drawTokenPlots } from './token-plots.js';
import { startTokenSearch } from './token-search.js';

async function start(): Promise<void> {
  const state = byId('state');
  state.textContent = 'Reading the tables …';
  startTheme();
  startMenu();
  try {
    show(await loadReport());
  } catch (error) {
    state.textContent = `The plots cannot be drawn: ${(error as Error).message}.`;
    throw error;
  }
  // The section that the address names has moved down meanwhile.
  if (location.hash.length > 1) document.getElementById(location.hash.slice(1))?.scrollIntoView();
}

function show(report: Report): void {
  const selection = selectionOfAddress(report);
  const showToken = (token: number) => {
    selection.choose({ token });
    bringCardIntoView();
  };
  saveOverviewTables();
  startIndexInput(report.head.hidden, selection);
  startEigenvectorExplorer(report, selection);
  drawDistribution(report, selection);
  startExtremeLists(report, selection, showToken);
  startTokenSearch(report, showToken);
  startTokenCard(report, selection, showToken);
  showMarksText(report);
  drawIndexPlots(report, selection);
  drawTokenPlots(report);
  listDistortedTokens(report, showToken);
  followAddress(report, selection);
}

void start();
