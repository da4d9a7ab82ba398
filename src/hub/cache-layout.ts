import { hostname } from 'node:os';
import path from 'node:path';

/**
 * Where things are in eigenshard's cache:
 *
 *   .lock                                    held for the moment in which what is in use is said, or looked at
 *   models--<owner>--<name>/
 *     refs/<revision>                        the commit that it was when last asked
 *     listings/<commit>.json                 the files of that commit, those that are not there among them
 *     snapshots/<commit>/                    the small files themselves
 *     weights/<hash of a safetensors file>/  what was downloaded of it, whatever the commit
 *       header   <begin>-<end>               its header, its tensors; beside each a record (.json) with its SHA-256
 *     in-use/<host>-<process>                one for each process that works with the model
 */
export class CacheLayout {
  readonly model: string;

  constructor(cache: string, repository: string) {
    this.model = path.join(cache, `models--${repository.replace('/', '--')}`);
  }

  ref(revision: string): string {
    return path.join(this.model, 'refs', encodeURIComponent(revision));
  }

  listing(commit: string): string {
    return path.join(this.model, 'listings', `${commit}.json`);
  }

  snapshot(commit: string): string {
    return path.join(this.model, 'snapshots', commit);
  }

  weights(hash: string): string {
    return path.join(this.model, 'weights', hash);
  }

  marker(): string {
    return path.join(this.model, 'in-use', `${encodeURIComponent(hostname())}-${process.pid}`);
  }
}

export function cacheLock(cache: string): string {
  return path.join(cache, '.lock');
}
