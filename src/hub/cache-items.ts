import { lstatSync, rmdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { namesIn } from '../files/names-in.js';
import { type LockContext, waitForLock } from '../files/wait-for-lock.js';
import { CacheLayout, cacheLock } from './cache-layout.js';
import { isInUse } from './in-use.js';
import { readRef } from './refs.js';
import { recordsIn } from './stored-range.js';

/** A part of the cache that is kept or removed as one. */
export interface CacheItem {
  /** 'owner/name' */
  repository: string;
  /** The small files of a commit, or what was downloaded of one file with weights. */
  kind: 'files' | 'weights';
  /** The commit, or the hash of the file with weights. */
  id: string;
  /** Names of files, or of tensors, for a person. */
  holds: string[];
  /** Size on the disk. */
  bytes: number;
  lastUsed: Date;
  inUse: boolean;
}

/** Chooses what to prune: all, what was not used for so long, or what was used longest ago until the rest is small. */
export type PruneRule = { all: true } | { olderThanDays: number } | { atMostBytes: number };

/** Lists everything in the cache, what was used last first. */
export async function listCache(cache: string, context: LockContext): Promise<CacheItem[]> {
  return underLock(cache, context, () => itemsIn(cache));
}

/** Removes what the rule says, but nothing that is in use; returns what it removed. */
export async function pruneCache(cache: string, rule: PruneRule, context: LockContext): Promise<CacheItem[]> {
  return underLock(cache, context, () => {
    const chosen = chooseToPrune(itemsIn(cache), rule, Date.now());
    for (const item of chosen) remove(cache, item);
    return chosen;
  });
}

/** Chooses the items to remove: with a limit, the least recently used until the rest is within it. */
export function chooseToPrune(items: readonly CacheItem[], rule: PruneRule, now: number): CacheItem[] {
  const free = items.filter(({ inUse }) => !inUse);
  if ('all' in rule) return free;
  if ('olderThanDays' in rule) {
    const limit = now - rule.olderThanDays * 24 * 3600 * 1000;
    return free.filter(({ lastUsed }) => lastUsed.getTime() < limit);
  }
  let bytes = items.reduce((sum, item) => sum + item.bytes, 0);
  const oldestFirst = free.toSorted((a, b) => a.lastUsed.getTime() - b.lastUsed.getTime());
  return oldestFirst.filter((item) => {
    if (bytes <= rule.atMostBytes) return false;
    bytes -= item.bytes;
    return true;
  });
}

async function underLock<T>(cache: string, context: LockContext, work: () => T): Promise<T> {
  if (lstatSync(cache, { throwIfNoEntry: false }) === undefined) return work();
  const lock = await waitForLock(cacheLock(cache), 'it looks through the cache', context);
  try {
    return work();
  } finally {
    lock.release();
  }
}

function itemsIn(cache: string): CacheItem[] {
  const items = namesIn(cache).flatMap((name) => {
    const [, owner, model] = /^models--(.+?)--(.+)$/.exec(name) ?? [];
    return owner === undefined ? [] : itemsOf(cache, `${owner}/${model}`);
  });
  return items.sort((a, b) => b.lastUsed.getTime() - a.lastUsed.getTime());
}

/** Finds what stands where eigenshard puts it: whatever else is in the directory is not ours to remove. */
function itemsOf(cache: string, repository: string): CacheItem[] {
  const layout = new CacheLayout(cache, repository);
  const inUse = isInUse(layout);
  const files = namesIn(path.join(layout.model, 'listings')).flatMap((name) => {
    const [, commit] = /^([0-9a-f]{40})\.json$/.exec(name) ?? [];
    if (commit === undefined) return [];
    const snapshot = layout.snapshot(commit);
    const bytes = sizeOf(snapshot) + sizeOf(layout.listing(commit));
    const lastUsed = lstatSync(layout.listing(commit)).mtime;
    return [
      { repository, kind: 'files', id: commit, holds: namesIn(snapshot), bytes, lastUsed, inUse } as const,
    ];
  });
  const weights = namesIn(path.join(layout.model, 'weights')).flatMap((hash) => {
    if (!/^[0-9a-f]{40,64}$/.test(hash)) return [];
    const directory = layout.weights(hash);
    const holds = recordsIn(directory).flatMap(({ tensor }) => tensor ?? []);
    const lastUsed = lstatSync(directory).mtime;
    return [
      { repository, kind: 'weights', id: hash, holds, bytes: sizeOf(directory), lastUsed, inUse } as const,
    ];
  });
  // Of what was used at the same moment, the larger is pruned first.
  return [...weights, ...files];
}

function remove(cache: string, { repository, kind, id }: CacheItem): void {
  const layout = new CacheLayout(cache, repository);
  if (kind === 'weights') rmSync(layout.weights(id), { recursive: true, force: true });
  else {
    rmSync(layout.snapshot(id), { recursive: true, force: true });
    rmSync(layout.listing(id), { force: true });
    for (const name of namesIn(path.join(layout.model, 'refs'))) {
      const revision = decodeURIComponent(name);
      if (readRef(layout.ref(revision)) === id) rmSync(layout.ref(revision), { force: true });
    }
  }
  removeIfEmpty(layout.model);
}

/** Removes the directory of a model of which nothing is left. */
function removeIfEmpty(model: string): void {
  const parts = namesIn(model).map((name) => path.join(model, name));
  if (parts.some((part) => !lstatSync(part).isDirectory() || namesIn(part).length > 0)) return;
  for (const part of parts) rmdirSync(part);
  rmdirSync(model);
}

/** Sums bytes on the disk: of a download in the making, those that are there. Links are not followed. */
function sizeOf(place: string): number {
  const found = lstatSync(place, { throwIfNoEntry: false });
  if (found === undefined) return 0;
  if (!found.isDirectory()) return Math.min(found.size, (found.blocks ?? Number.POSITIVE_INFINITY) * 512);
  return namesIn(place).reduce((sum, name) => sum + sizeOf(path.join(place, name)), 0);
}
