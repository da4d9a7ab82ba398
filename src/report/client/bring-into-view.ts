/** Pixels of an element's top that count as seeing it, and those that the menu may cover. */
const SEEN = 160;
const COVERED = 48;

/** Scrolls to an element that is out of sight, and takes the focus along; one that is in sight stays where it is. */
export function bringIntoView(target: HTMLElement): void {
  const { top } = target.getBoundingClientRect();
  if (top >= COVERED && top <= innerHeight - SEEN) return;
  target.scrollIntoView({ block: 'start' });
  target.focus({ preventScroll: true });
}
