import { type PackedArray, type PackedEntry, unpackArrays } from '../packed-arrays.js';
import { byId } from './dom.js';

/** Decodes what the page holds: its head, and the arrays that this describes. */
export async function loadPage<Head extends { entries: PackedEntry[] }>(): Promise<{
  head: Head;
  arrays: Record<string, PackedArray>;
}> {
  if (!('DecompressionStream' in globalThis)) {
    throw new Error(
      'this browser is too old for the plots: they need Chrome 123, Firefox 120, Safari 17.5 or newer',
    );
  }
  const head = JSON.parse(byId('head').textContent ?? '') as Head;
  const payload = byId('payload');
  const bytes = Uint8Array.from(atob(payload.textContent ?? ''), (character) => character.charCodeAt(0));
  payload.remove();
  const unzipped = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'));
  const arrays = unpackArrays(head.entries, new Uint8Array(await new Response(unzipped).arrayBuffer()));
  return { head, arrays };
}
