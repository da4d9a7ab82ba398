/** Value for reading: at most four decimals, or a power of ten where those say little. */
export function fixed(value: number): string {
  const magnitude = Math.abs(value);
  if (magnitude !== 0 && (magnitude < 1e-3 || magnitude >= 1e7)) return figure(value);
  return value.toLocaleString('en-US', { maximumFractionDigits: magnitude < 100 ? 4 : 2 });
}

/** Deviation or tolerance: three digits and a power of ten, a small whole number as it is. */
export function figure(value: number): string {
  return Number.isInteger(value) && Math.abs(value) < 1000 ? String(value) : value.toExponential(2);
}

/** Share of a whole for reading, 0.684 as '68.4 %': at most three digits. */
export function percent(share: number): string {
  return `${Number((100 * share).toPrecision(3))} %`;
}

/** Whole number with thousands apart: what the system knows of languages takes a process 15 ms to load. */
export function count(value: number): string {
  return String(value).replace(/\B(?=(?:\d{3})+$)/g, ',');
}

/** '1 partition', '25 partitions': a number of things that take an s. */
export function counted(value: number, thing: string): string {
  return `${count(value)} ${thing}${value === 1 ? '' : 's'}`;
}

const units = ['B', 'kB', 'MB', 'GB', 'TB'];

/** Bytes for reading, 778,000,000 as '778.00 MB': decimal units, as disks and networks are sold. */
export function formatBytes(value: number): string {
  const power = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, value)) / 3));
  return `${(value / 1000 ** power).toFixed(power === 0 ? 0 : 2)} ${units[power]}`;
}

/** Bytes that '1.5 GB', '500MB' or '1000000' name, in decimal units; null for anything else. */
export function parseBytes(text: string): number | null {
  const [, digits, unit] = /^(\d+(?:\.\d+)?)\s*([kmgt]?b)?$/i.exec(text.trim()) ?? [];
  if (digits === undefined) return null;
  const power = units.findIndex((name) => name.toLowerCase() === (unit ?? 'b').toLowerCase());
  const bytes = Math.round(Number(digits) * 1000 ** power);
  return Number.isSafeInteger(bytes) ? bytes : null;
}
