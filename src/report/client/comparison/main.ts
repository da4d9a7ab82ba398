import type { ComparisonHead } from '../../comparison/contents.js';
import { byId } from '../dom.js';
import { startPage } from '../start-page.js';
import { startTokenSearch } from '../token-search.js';
import { ComparedTokens } from './compared-tokens.js';
import { listDisplacedTokens } from './displaced-lists.js';
import { drawDisplacements } from './displacement-plots.js';
import { drawFlow } from './flow-plots.js';
import { drawOverlapMap } from './overlap-map.js';
import { showTokenFigures } from './token-figures.js';

void startPage<ComparisonHead>(({ head, arrays }) => {
  const tokens = new ComparedTokens(head, arrays);
  const showToken = (token: number) => showTokenFigures(tokens, token);
  startTokenSearch(tokens, showToken);
  listDisplacedTokens(tokens, showToken);
  drawDisplacements(tokens, showToken);
  drawFlow(tokens);
  drawOverlapMap(tokens);
  byId('state').textContent = '';
});
