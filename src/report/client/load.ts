import type { ReportHead } from '../contents.js';
import { unpackArrays } from '../packed-arrays.js';
import { byId } from './dom.js';
import { Report } from './report.js';

/** Decodes what the page holds. */
export async function loadReport(): Promise<Report> {
  if (!('DecompressionStream' in globalThis)) {
    throw new Error(
      'this browser is too old for the plots: they need Chrome 123, Firefox 120, Safari 17.5 or newer',
    );
  }
  const head = JSON.parse(byId('head').textContent ?? '') as ReportHead;
  const payload = byId('payload');
  const bytes = Uint8Array.from(atob(payload.textContent ?? ''), (character) => character.charCodeAt(0));
  payload.remove();
  const unzipped = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'));
  const arrays = unpackArrays(head.entries, new Uint8Array(await new Response(unzipped).arrayBuffer()));
  return new Report(head, arrays);
}
