/** A finished file: its path relative to the output directory, with '/', its length and SHA-256 (hex). */
export interface FileRecord {
  path: string;
  bytes: number;
  sha256: string;
}

/**
 * A partition's file as it was written. CRC-32 costs the projection a quarter of what SHA-256 would; the latter is
 * taken in the verification, from the bytes on disk.
 */
export interface WrittenFile {
  path: string;
  bytes: number;
  crc32: number;
}

/** A partition's file, with the SHA-256 (hex) of its bytes on disk. */
export interface VerifiedFile extends WrittenFile {
  sha256: string;
}

/** Expectations of a partition's file; `sha256` null where none has been recorded yet. */
export interface ExpectedFile extends WrittenFile {
  sha256: string | null;
}

/** A stretch of a row-major export: the float32 rows of one partition. */
export interface Slice {
  file: string;
  byteOffset: number;
}

/** A stretch of a row-major export, with what it must hold. */
export interface SliceRecord extends Slice {
  bytes: number;
  crc32: number;
}
