import type { ReportHead } from '../contents.js';
import { listDistortedTokens } from './distortion-lists.js';
import { drawDistribution } from './distribution.js';
import { startEigenvectorExplorer } from './eigenvector-explorer.js';
import { startExtremeLists } from './extreme-lists.js';
import { followAddress, selectionOfAddress } from './follow-address.js';
import { startIndexInput } from './index-input.js';
import { drawIndexPlots } from './index-plots.js';
import { showMarksText } from './marks-text.js';
import { startNeighbourList } from './neighbour-list.js';
import { Report } from './report.js';
import { saveOverviewTables } from './save-overview-tables.js';
import { startScatter } from './scatter.js';
import { startPage } from './start-page.js';
import { bringCardIntoView, startTokenCard } from './token-card.js';
import { drawTokenPlots } from './token-plots.js';
import { startTokenSearch } from './token-search.js';

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
  startNeighbourList(report, selection, showToken);
  startScatter(report, selection, showToken);
  showMarksText(report);
  drawIndexPlots(report, selection);
  drawTokenPlots(report);
  listDistortedTokens(report, showToken);
  followAddress(report, selection);
}

void startPage<ReportHead>(({ head, arrays }) => show(new Report(head, arrays)));
