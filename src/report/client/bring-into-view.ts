/** Pixels of an element's top that count as seeing it, and those that the menu may cover. */
const SEEN = 160;
const COVERED = 48;

/**
 * Scrolls to an element that is out of sight, and takes the focus along; one that is in sight stays where it is.
 *
 * @param place what to scroll to, where that is more than the element
 */
export function bringIntoView(target: HTMLElement, place = target): void {
  const { top } = target.getBoundingClientRect();
  if (top >= COVERED && top <= innerHeight - SEEN) return;
  place.scrollIntoView({ block: 'start' });
  target.focus({ preventScroll: true });
}
