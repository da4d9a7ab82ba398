import type { RunResults } from '../output/manifest.js';
import { counted } from '../text/figures.js';
import type { ReportHead } from './contents.js';
import { html } from './html.js';
import { type PageAssets, renderShell } from './page-shell.js';
import { explorer } from './sections/explorer.js';
import { overview } from './sections/overview.js';
import { plotSections } from './sections/plots.js';

/**
 * Renders the report as one HTML file, see `renderShell`.
 *
 * @param payload the arrays that `head.entries` describes, gzip
 */
export function renderPage(
  results: RunResults,
  head: ReportHead,
  payload: Uint8Array,
  assets: PageAssets,
): string {
  return renderShell(
    {
      title: `${head.model}: the eigenbasis of its vocabulary`,
      version: results.version,
      skips: [
        ['eigenvector', 'Skip to the explorer'],
        ['search', 'Skip to the search for a token'],
        ['spectrum', 'Skip to the plots'],
      ],
      heading: head.model,
      introduction: `The eigenbasis of a vocabulary: ${counted(head.rows, 'token')}, ${counted(head.hidden, 'eigenvector')}`,
      sections,
      chosen: html`<a id="chosen" href="#eigenvector" hidden></a>`,
      main: html`${overview(results)}
${explorer(head)}
${plotSections(head)}`,
      footer: `Made by eigenshard ${results.version} from run ${results.fingerprint.slice(0, 12)}. Plots: uPlot.`,
      head,
      payload,
    },
    assets,
  );
}

/** Sections of the page, for the navigation: id and name. */
const sections = [
  ['overview', 'Run'],
  ['explorer', 'Explorer'],
  ['spectrum', 'Spectrum'],
  ['variance', 'Variance'],
  ['extent', 'Extent'],
  ['angles', 'Angles'],
  ['histogram', 'Histogram'],
  ['tokens', 'Norms'],
  ['norm-error', 'Verification'],
] as const;
