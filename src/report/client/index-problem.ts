/** Why a typed text is no index of one of `hidden` eigenvectors; null where it is one, or nothing yet. */
export function indexProblem(typed: string, hidden: number): string | null {
  const text = typed.trim();
  if (text === '' || (/^\d+$/.test(text) && Number(text) < hidden)) return null;
  const wanted = `Type a whole number from 0 to ${hidden - 1}.`;
  if (!/^[+-]?\d+$/.test(text)) return `“${text}” is no index. ${wanted}`;
  return `There is no eigenvector ${text}. ${wanted}`;
}
