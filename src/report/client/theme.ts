import { byId } from './dom.js';

const listeners: (() => void)[] = [];
const KEY = 'eigenshard-theme';

/** Calls back whenever colours change, by the page's own choice or the system's. */
export function onThemeChange(listener: () => void): void {
  listeners.push(listener);
}

/** Colour of the style sheet as it is now, as rgb(): the variable itself would still hold both themes' colours. */
export function colour(name: string): string {
  const probe = byId('state');
  probe.style.color = `var(--${name})`;
  const found = getComputedStyle(probe).color;
  probe.style.color = '';
  return found;
}

/** Follows the reader's choice of a theme, which is kept for the next time, and the system's. */
export function startTheme(): void {
  const choice = byId<HTMLSelectElement>('theme');
  const remembered = withStorage((storage) => storage.getItem(KEY)) ?? '';
  if (Array.from(choice.options, ({ value }) => value).includes(remembered)) choice.value = remembered;
  const changed = () => {
    document.documentElement.dataset.theme = choice.value;
    for (const listener of listeners) listener();
  };
  changed();
  choice.addEventListener('change', () => {
    withStorage((storage) => storage.setItem(KEY, choice.value));
    changed();
  });
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', changed);
}

/** Uses the browser's storage, which it may refuse to a page from the disk: then nothing is kept. */
function withStorage<Result>(use: (storage: Storage) => Result): Result | undefined {
  try {
    return use(localStorage);
  } catch {
    return undefined;
  }
}
