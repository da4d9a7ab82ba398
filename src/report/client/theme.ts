import { byId } from './dom.js';

const listeners: (() => void)[] = [];

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

/** Follows the reader's choice of a theme, and the system's. */
export function startTheme(): void {
  const choice = byId<HTMLSelectElement>('theme');
  const changed = () => {
    for (const listener of listeners) listener();
  };
  choice.addEventListener('change', () => {
    document.documentElement.dataset.theme = choice.value;
    changed();
  });
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', changed);
}
