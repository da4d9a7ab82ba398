import { byId } from './dom.js';

/** Opens and closes the list of sections, which has no room on a narrow screen. */
export function startMenu(): void {
  const button = byId('menu');
  const open = (isOpen: boolean) => button.setAttribute('aria-expanded', String(isOpen));
  button.addEventListener('click', () => open(button.getAttribute('aria-expanded') !== 'true'));
  byId('sections').addEventListener('click', () => open(false));
  button.parentElement!.addEventListener('keydown', ({ key }) => {
    if (key === 'Escape') open(false);
  });
  open(false);
}
