import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { crc32 } from 'node:zlib';
import { planParquet } from '../../src/formats/parquet.js';
import { locateEigenvectors } from '../../src/output/eigenbasis-file.js';
import { fileMetadata } from '../../src/output/file-metadata.js';
import { readManifest, writeManifest } from '../../src/output/manifest.js';
import { createdBy } from '../../src/version.js';
import { verifyHere } from './runs.js';

/** Contents of a run, to be changed in place. */
export interface RunContents {
  rows: number;
  d: number;
  /** Projections by columns, [d][rows]. */
  columns: Float32Array[];
  /** V, float32 [d, d] row-major. */
  eigenvectors: Float32Array;
  /** Number of rows of each partition but the last. */
  partitionRows: number;
}

/** Checks that look at the bytes of files, or repeat figures of the manifest: they are no identities. */
const NO_IDENTITY = ['files', 'manifest'];

/** A finished run whose contents can be spoiled, with the checksums of its files made anew, and come back. */
export class SpoiledRun {
  readonly contents: RunContents;
  readonly #directory: string;
  readonly #manifest: ReturnType<typeof readManifest>;
  readonly #intact: ReadonlyMap<string, Buffer>;
  readonly #eigenvectorsAt: number;

  private constructor(directory: string, eigenvectorsAt: number) {
    this.#directory = directory;
    this.#eigenvectorsAt = eigenvectorsAt;
    this.#manifest = readManifest(directory);
    const { model, partitions, eigenbasis } = this.#manifest;
    const names = [...partitions.map(({ files }) => files[0]!.path), eigenbasis.path];
    this.#intact = new Map(names.map((name) => [name, readFileSync(path.join(directory, name))]));
    const { rows, hidden: d } = model;
    const columns = Array.from({ length: d }, () => new Float32Array(rows));
    this.#eachPartition((bytes, at, { first, count }) => {
      for (let j = 0; j < d; j++) {
        bytesOf(columns[j]!.subarray(first, first + count)).set(bytes.subarray(at(j), at(j) + count * 4));
      }
    });
    const eigenvectors = new Float32Array(d * d);
    const end = eigenvectorsAt + d * d * 4;
    bytesOf(eigenvectors).set(this.#intact.get(eigenbasis.path)!.subarray(eigenvectorsAt, end));
    this.contents = { rows, d, columns, eigenvectors, partitionRows: partitions[0]!.count };
  }

  /** Opens a run in Parquet, without exports. */
  static async open(directory: string): Promise<SpoiledRun> {
    const { model, eigenbasis } = readManifest(directory);
    const { byteOffset } = await locateEigenvectors(directory, model.hidden, eigenbasis);
    return new SpoiledRun(directory, byteOffset);
  }

  /** Changes a copy of the contents, and verifies the run with them. @returns names of the identities that fail */
  async failing(change: (contents: RunContents) => void): Promise<string[]> {
    const contents = {
      ...this.contents,
      columns: this.contents.columns.map((column) => column.slice()),
      eigenvectors: this.contents.eigenvectors.slice(),
    };
    change(contents);
    this.#write(contents);
    const { verification } = await verifyHere(this.#directory);
    return verification.checks
      .filter(({ name, verdict }) => verdict === 'failed' && !NO_IDENTITY.includes(name))
      .map(({ name }) => name);
  }

  #write({ columns, eigenvectors, d }: RunContents): void {
    const manifest = structuredClone(this.#manifest);
    this.#eachPartition((intact, at, { index, first, count }) => {
      const bytes = Buffer.from(intact);
      for (let j = 0; j < d; j++) bytes.set(bytesOf(columns[j]!.subarray(first, first + count)), at(j));
      const [file] = manifest.partitions[index]!.files;
      Object.assign(file!, { crc32: crc32(bytes), sha256: sha256(bytes) });
      writeFileSync(path.join(this.#directory, file!.path), bytes);
    });
    const { eigenbasis } = manifest;
    const bytes = Buffer.from(this.#intact.get(eigenbasis.path)!);
    bytes.set(bytesOf(eigenvectors), this.#eigenvectorsAt);
    eigenbasis.sha256 = sha256(bytes);
    writeFileSync(path.join(this.#directory, eigenbasis.path), bytes);
    writeManifest(this.#directory, manifest);
  }

  /** Hands over the intact bytes of each partition, and where its columns begin in them. */
  #eachPartition(
    take: (
      bytes: Buffer,
      at: (column: number) => number,
      partition: { index: number; first: number; count: number },
    ) => void,
  ): void {
    const { partitions, model, fingerprint, layout } = this.#manifest;
    for (const [index, { first, count, files }] of partitions.entries()) {
      const { firstDataOffset, columnStride } = planParquet({
        firstRow: first,
        rowCount: count,
        columns: model.hidden,
        metadata: fileMetadata(fingerprint, layout, model.name),
        createdBy,
      });
      const at = (column: number) => firstDataOffset + column * columnStride;
      take(this.#intact.get(files[0]!.path)!, at, { index, first, count });
    }
  }
}

function bytesOf({ buffer, byteOffset, byteLength }: Float32Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
