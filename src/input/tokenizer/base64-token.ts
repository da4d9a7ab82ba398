import type { TokenDecoder } from './token-decoder.js';
import { utf8Text } from './utf8-text.js';

/** Decodes a vocabulary whose pieces are the tokens' bytes in base64; added tokens are text. */
export const decodeBase64: TokenDecoder = (piece, added) =>
  added ? piece : utf8Text(Buffer.from(piece, 'base64'));
