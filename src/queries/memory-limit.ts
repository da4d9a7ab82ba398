/** Below it not even small queries can be answered. */
const LEAST_BYTES = 128e6;

/** Memory that a query may take, in bytes, where nobody says another amount: half of what the machine has left. */
export function memoryLimit(availableBytes = process.availableMemory()): number {
  return Math.max(LEAST_BYTES, Math.floor(availableBytes / 2));
}
