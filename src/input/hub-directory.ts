import { existsSync, readFileSync, utimesSync } from 'node:fs';
import path from 'node:path';
import { InputError } from '../errors.js';
import { makeDirectory } from '../files/make-directory.js';
import { writeFileAtomically } from '../files/partial-file.js';
import { parseSafetensorsHeader } from '../formats/safetensors.js';
import type { CacheLayout } from '../hub/cache-layout.js';
import { downloadBytes, downloadFile, type PinnedFile, pinFile } from '../hub/file-request.js';
import { contentHash, type HubFile } from '../hub/hub-file.js';
import { type Listing, readListing, writeListing } from '../hub/listing.js';
import type { HubRepository } from '../hub/repository.js';
import { refuseOffline } from '../hub/settings.js';
import { isIntact, writeRecord } from '../hub/stored-range.js';
import type { CheckpointDirectory } from './checkpoint-directory.js';
import { configNames } from './model-config.js';
import { tokenizerNames } from './tokenizer/tokenizer-files.js';
import { safetensorsWeights } from './weights/safetensors-weights.js';
import { safetensorsLayouts, weightLayouts } from './weights/shards.js';
import type { Weights } from './weights/weights.js';

/** Small files are held in memory, and the hub lists any size for them; the largest tokenizers have some 40 MB. */
const MOST_FILE_BYTES = 2 ** 28;

/** The files of weights that are read from a disk alone. */
const localNames: ReadonlySet<string | null> = new Set(
  weightLayouts
    .filter(({ single }) => !safetensorsLayouts.some((layout) => layout.single === single))
    .flatMap(({ single, index }) => [single, index]),
);

/**
 * A commit of a repository as a checkpoint directory: its small files are downloaded into the cache, where they
 * are checked against the hub's hashes whenever they are used, and of its weights only headers are.
 */
export class HubDirectory implements CheckpointDirectory {
  /** Directory of its small files, in the cache. */
  readonly path: string;
  /** Its weights are headers alone. */
  readonly isLocal = false;
  readonly #repository: HubRepository;
  readonly #commit: string;
  readonly #layout: CacheLayout;
  readonly #listing: Listing;

  private constructor(repository: HubRepository, commit: string, layout: CacheLayout) {
    this.path = layout.snapshot(commit);
    this.#repository = repository;
    this.#commit = commit;
    this.#layout = layout;
    this.#listing = readListing(layout.listing(commit));
  }

  /** @throws InputError where the commit holds no checkpoint in the safetensors format */
  static async open(repository: HubRepository, commit: string, layout: CacheLayout): Promise<HubDirectory> {
    const directory = new HubDirectory(repository, commit, layout);
    const weightNames = safetensorsLayouts.flatMap(({ single, index }) => [single, index]);
    // One question for all; offline, what was asked before is enough where it names what is needed.
    if (!repository.settings.offline) {
      await directory.#look([...configNames, ...weightNames, ...tokenizerNames]);
    }
    await directory.#provideConfig();
    await directory.#provideIndex();
    directory.touch();
    return directory;
  }

  async has(name: string): Promise<boolean> {
    if (localNames.has(name)) return false;
    await this.#look([name]);
    return this.#listing.get(name) !== null;
  }

  /** Finds none missing: one shard is enough, and `weights` says where that one is not there. */
  async missing(): Promise<string[]> {
    return [];
  }

  readonly weights = async (name: string): Promise<Weights> => {
    const pinned = await this.pinned(name);
    const stored = path.join(this.#layout.weights(pinned.file.hash), 'header');
    const known = (await isIntact(stored)) ? readFileSync(stored) : null;
    const read: Uint8Array[] = [];
    const header = await parseSafetensorsHeader({
      file: `${this.#place}/${name}`,
      size: pinned.file.bytes,
      read: async (position, length) => {
        const end = position + length;
        if (known === null) refuseOffline(this.#repository.settings, `the header of ${this.#place}/${name}`);
        const bytes =
          known?.subarray(position, end) ?? (await downloadBytes(pinned, { begin: position, end }));
        read.push(bytes);
        return new Uint8Array(bytes);
      },
    });
    if (known === null) this.#storeHeader(stored, pinned, Buffer.concat(read));
    return safetensorsWeights(header);
  };

  /** Looks a file of the commit up, as requests need it. */
  async pinned(name: string): Promise<PinnedFile> {
    await this.#look([name]);
    const file = this.#listing.get(name);
    if (file) return pinFile(this.#repository, this.#commit, file);
    throw new InputError(
      `${this.#place}: has no file ${name}, which its index of shards names; the repository is damaged`,
    );
  }

  /** Lists the files of the tokenizer that are not here yet. */
  missingTokenizerFiles(): HubFile[] {
    return tokenizerNames.flatMap((name) => {
      const file = this.#listing.get(name);
      return file && !this.#isHere(file) ? file : [];
    });
  }

  /** Downloads a small file of the commit into the cache. */
  async download(file: HubFile, signal?: AbortSignal): Promise<void> {
    refuseOffline(this.#repository.settings, `${this.#place}/${file.path}`);
    if (file.bytes > MOST_FILE_BYTES) {
      throw new InputError(
        `${this.#place}/${file.path}: has ${file.bytes} bytes, at most ${MOST_FILE_BYTES} were expected of such a file; ` +
          'do not use this model unless you trust where it comes from: then download it, and give its directory',
      );
    }
    const bytes = await downloadFile(await this.pinned(file.path), signal);
    makeDirectory(this.path);
    writeFileAtomically(path.join(this.path, file.path), [bytes]);
  }

  /** Remembers that it was used now. */
  touch(): void {
    const now = new Date();
    utimesSync(this.#layout.listing(this.#commit), now, now);
  }

  get #place(): string {
    return `${this.#repository.name}@${this.#commit.slice(0, 12)}`;
  }

  /** Asks the hub for what is not known yet of these files. */
  async #look(names: readonly string[]): Promise<void> {
    const unknown = names.filter((name) => !this.#listing.has(name));
    if (unknown.length === 0) return;
    refuseOffline(this.#repository.settings, `${this.#place} (${unknown.join(', ')})`);
    const found = await this.#repository.filesOf(this.#commit, unknown);
    for (const name of unknown) {
      this.#listing.set(name, found.find((file) => file.path === name) ?? null);
    }
    writeListing(this.#layout.listing(this.#commit), this.#listing);
  }

  async #provideConfig(): Promise<void> {
    for (const name of configNames) {
      if (await this.has(name)) return this.#provide(name);
    }
    throw new InputError(
      `${this.#place}: has no ${configNames.join(' nor ')}; choose a model that transformers can load`,
    );
  }

  async #provideIndex(): Promise<void> {
    for (const { single, index } of safetensorsLayouts) {
      if (await this.has(single)) return;
      if (await this.has(index)) return this.#provide(index);
    }
    const [first, ...others] = safetensorsLayouts.flatMap(({ single, index }) => [single, index]);
    throw new InputError(
      `${this.#place}: has neither ${first} nor ${others.join(', nor ')}; only checkpoints in the safetensors format are ` +
        'read from the hub: download another format, and give its directory',
    );
  }

  async #provide(name: string): Promise<void> {
    const file = this.#listing.get(name);
    if (file && !this.#isHere(file)) await this.download(file);
  }

  #isHere({ path: name, bytes, hash, algorithm }: HubFile): boolean {
    const file = path.join(this.path, name);
    if (!existsSync(file)) return false;
    const content = readFileSync(file);
    return content.length === bytes && contentHash(content, algorithm) === hash;
  }

  #storeHeader(target: string, { file }: PinnedFile, bytes: Buffer): void {
    makeDirectory(path.dirname(target));
    writeRecord(target, {
      repository: this.#repository.name,
      commit: this.#commit,
      file: file.path,
      hash: file.hash,
      begin: 0,
      end: bytes.length,
      tensor: null,
      sha256: contentHash(bytes, 'sha256'),
    });
    writeFileAtomically(target, [bytes]);
  }
}
