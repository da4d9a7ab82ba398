const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Decodes bytes that may be a piece of UTF-8 cut anywhere. What is valid becomes text, every other byte becomes
 * `<0xE4>`: never U+FFFD, behind which different bytes look the same.
 */
export function utf8Text(bytes: Uint8Array): string {
  const whole = decode(bytes);
  if (whole !== null) return whole;
  let text = '';
  for (let at = 0; at < bytes.length; ) {
    const character = decode(bytes.subarray(at, at + sequenceLength(bytes[at]!)));
    text += character ?? byteText(bytes[at]!);
    at += character === null ? 1 : sequenceLength(bytes[at]!);
  }
  return text;
}

/** 0xE4 as `<0xE4>`, as sentencepiece writes it. */
function byteText(byte: number): string {
  return `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`;
}

/** Bytes of the character that begins with `lead`; 1 for a byte with which none begins. */
function sequenceLength(lead: number): number {
  if (lead >= 0xf0) return 4;
  if (lead >= 0xe0) return 3;
  return lead >= 0xc0 ? 2 : 1;
}

function decode(bytes: Uint8Array): string | null {
  try {
    return strict.decode(bytes);
  } catch {
    return null;
  }
}
