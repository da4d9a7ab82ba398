const closedPort = new MessageChannel().port1;
closedPort.close();

/**
 * Frees the memory of a buffer at once, not when the garbage collector comes by; every view of it is empty from then
 * on. A buffer that is sent where nobody receives is released on the spot.
 */
export function freeBuffer(buffer: ArrayBuffer): void {
  closedPort.postMessage(null, [buffer]);
}
