import { byId } from './dom.js';
import { startEigenvectorExplorer } from './eigenvector-explorer.js';
import { drawIndexPlots } from './index-plots.js';
import { loadReport } from './load.js';
import { Selection } from './selection.js';
import { startTheme } from './theme.js';
import { startTokenExplorer } from './token-explorer.js';
import { drawTokenPlots } from './token-plots.js';

async function start(): Promise<void> {
  const state = byId('state');
  state.textContent = 'Reading the tables …';
  try {
    const report = await loadReport();
    const selection = new Selection(report.head.hidden);
    startTheme();
    drawIndexPlots(report, selection);
    drawTokenPlots(report);
    const showToken = startTokenExplorer(report, selection);
    startEigenvectorExplorer(report, selection, showToken);
    selection.choose(report.head.hidden - 1);
    state.textContent = '';
  } catch (error) {
    state.textContent = `The plots cannot be drawn: ${(error as Error).message}.`;
    throw error;
  }
}

void start();
