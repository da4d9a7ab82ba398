/**
 * Version of everything in an output directory; raised when a reader of the former one would be misled. In layout 1 the
 * partitions of all formats lay in one folder, and neither the manifest nor the exports had a checksum.
 */
export const LAYOUT_VERSION = 2;
