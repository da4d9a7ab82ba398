import { type CsvTable, csvText } from './csv-text.js';
import { element } from './dom.js';

/** Buttons that download a table as a file of comma-separated values, and copy it as such. */
export function saveButtons(name: string, read: () => CsvTable): HTMLElement {
  const download = element('button', { type: 'button', 'aria-label': `Download ${name} as CSV` }, 'CSV');
  const copy = element('button', { type: 'button', 'aria-label': `Copy ${name} as CSV` }, 'Copy');
  const status = element('span', { role: 'status' });
  download.addEventListener('click', () => downloadText(`${fileName(name)}.csv`, csvText(read())));
  copy.addEventListener('click', async () => {
    status.textContent = (await copyText(csvText(read()))) ? 'Copied.' : 'The browser refuses to copy.';
  });
  return element('p', { class: 'save' }, download, copy, status);
}

function fileName(name: string): string {
  return name
    .normalize('NFKD')
    .replaceAll(/[^\p{L}\p{N}._-]+/gu, '-')
    .replace(/^[-.]+|[-.]+$/g, '')
    .slice(0, 100);
}

/** Hands a text to the browser as a download: it is in the page already, so nothing is requested. */
function downloadText(name: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: 'text/csv' }));
  element('a', { href: url, download: name }).click();
  // The download has begun by then, or never will.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copySelected(text);
  }
}

/** Copies as a reader would, where the clipboard is closed to scripts, as it may be to a page from the disk. */
function copySelected(text: string): boolean {
  const area = element('textarea', { class: 'hidden' });
  area.value = text;
  const focused = document.activeElement;
  document.body.append(area);
  area.select();
  const isCopied = document.execCommand('copy');
  area.remove();
  if (focused instanceof HTMLElement) focused.focus();
  return isCopied;
}
