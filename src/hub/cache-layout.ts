import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import path from 'node:path';

/**
 * Places of things in eigenshard's cache:
 *
 *   .lock                                    held for the moment in which what is in use is said, or looked at
 *   models--<owner>--<name>/
 *     refs/<revision>                        the commit that it was when last asked
 *     listings/<commit>.json                 the files of that commit, those that are not there among them
 *     snapshots/<commit>/                    the small files themselves
 *     weights/<hash of a safetensors file>/  what was downloaded of it, whatever the commit
 *       header   <begin>-<end>               its header, its tensors; beside each a record (.json) with its SHA-256
 *     in-use/<host>-<process>-<random>       one for each process that works with the model
 */
export class CacheLayout {
  /** The directory of the model. */
  readonly model: string;

  constructor(cache: string, repository: string) {
    this.model = path.join(cache, `models--${repository.replace('/', '--')}`);
  }

  /** Names the file that says which commit a revision was. */
  ref(revision: string): string {
    return path.join(this.model, 'refs', encodeURIComponent(revision));
  }

  /** Names the list of a commit's files. */
  listing(commit: string): string {
    return path.join(this.model, 'listings', `${commit}.json`);
  }

  /** Names the directory of a commit's small files. */
  snapshot(commit: string): string {
    return path.join(this.model, 'snapshots', commit);
  }

  /** Names the directory of what was downloaded of a file of weights, by that file's hash. */
  weights(hash: string): string {
    return path.join(this.model, 'weights', hash);
  }

  /** The directory of the marks of the processes that work with the model. */
  get inUse(): string {
    return path.join(this.model, 'in-use');
  }

  /** Names a new mark of this process: containers that share a cache may have host and process id in common. */
  newMark(): string {
    const random = randomBytes(4).toString('hex');
    return path.join(this.inUse, `${encodeURIComponent(hostname())}-${process.pid}-${random}`);
  }
}

/** Names the lock of the whole cache. */
export function cacheLock(cache: string): string {
  return path.join(cache, '.lock');
}
