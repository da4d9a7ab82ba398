import { InputError } from '../errors.js';

/**
 * Git without its LFS extension leaves a small text in the place of every large file of a checkpoint.
 *
 * @param head the file's first bytes, 8 or more
 */
export function isLfsPointer(head: Uint8Array): boolean {
  return Buffer.from(head.subarray(0, 8)).toString('latin1') === 'version ';
}

export function lfsPointer(file: string): InputError {
  return new InputError(
    `${file}: this is a Git LFS pointer, not the file itself; fetch it with: git lfs pull`,
  );
}
