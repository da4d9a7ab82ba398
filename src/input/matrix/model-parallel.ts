import { basename, dirname, join, relative, resolve } from 'node:path';
import { InputError } from '../../errors.js';
import { namesIn } from '../../files/names-in.js';
import type { RowSource } from '../checkpoint.js';
import type { Weights } from '../weights/weights.js';

/**
 * Lists how files are called of which each holds a part of every tensor, or the directories they lie in. The first group
 * is the number of the part, the second, where there is one, how many there are.
 */
const partNames: readonly RegExp[] = [
  // Llama's and Mistral's own format.
  /^consolidated\.(\d+)\.(?:pth|pt|bin|safetensors)$/,
  // Megatron and DeepSpeed; pipeline stages are a second number, and hold whole tensors.
  /^mp_rank_(\d+)/,
  // The own format of DeepSeek, and of others.
  /^model(\d+)-mp(\d+)\.(?:safetensors|bin|pt|pth)$/,
  /^(?:model_)?(?:tp_?)?rank_?(\d+)\.(?:safetensors|bin|pt|pth)$/,
  /^model_tp(\d+)\.(?:safetensors|bin|pt|pth)$/,
  // Shards of a sharded data parallel training.
  /^(?:zero_pp_rank|fsdp_rank)_?(\d+)/,
];

/**
 * Refuses a file that is one of several parts of the same tensors: its rows, or its columns, are not all there.
 *
 * @param file path of a file of weights
 * @throws InputError that names the other parts
 */
export function refusePart(file: string): void {
  const path = resolve(file);
  for (const place of [path, dirname(path)]) {
    const pattern = partNames.find((known) => known.test(basename(place)));
    if (pattern === undefined) continue;
    const { count, others } = partsOf(pattern, place);
    if (count === 1) continue;
    throw new InputError(
      `${file}: is one part of ${count} of a model-parallel checkpoint (${others}), and holds a part of each ` +
        'tensor alone; convert the checkpoint to one in the format of transformers, in which tensors are whole',
    );
  }
}

/**
 * Lists how files and directories are called that may be parts too, but also stages of a pipeline, or shards of whole
 * tensors, or models one beside the other.
 */
const possibleParts = {
  file: /(?:(?:^|[._-])(?:tp|mp|rank|part|shard|fsdp)[._-]?(?:rank[._-]?)?|(?=\d+-of-\d))(\d+)/,
  directory: /^(?:tp_|mp_|model_)?rank_?(\d+)$/,
};

/**
 * Refuses a file beside one that holds the same tensor, where their names say that they are parts.
 *
 * @param weights what the file holds
 * @param tensor that was taken of it
 * @param read reads what another file of weights holds
 * @throws InputError that names the other part
 */
export async function refuseSplit(
  { file }: Weights,
  tensor: string,
  read: (file: string) => Promise<Weights>,
): Promise<void> {
  const path = resolve(file);
  for (const [pattern, place] of [
    [possibleParts.file, path],
    [possibleParts.directory, dirname(path)],
  ] as const) {
    if (!pattern.test(basename(place))) continue;
    const [other] = othersOf(pattern, place);
    if (other === undefined) continue;
    const beside = join(dirname(place), other, relative(place, path));
    const holdsToo = await read(beside).then(
      ({ entries }) => entries.some(({ name }) => name === tensor),
      () => false,
    );
    if (!holdsToo) continue;
    throw new InputError(
      `${file}: ${other} beside it holds ${tensor} too: each may be one part of a model-parallel checkpoint; convert the ` +
        `checkpoint to one in the format of transformers, or take the tensor as it is with --tensor ${tensor}`,
    );
  }
}

/** Names those beside a place that are called like it but for the number. */
function othersOf(pattern: RegExp, place: string): string[] {
  const own = pattern.exec(basename(place))!;
  const rest = basename(place).slice(own.index + own[0].length);
  const front = basename(place).slice(0, own.index);
  return namesBeside(place).filter((name) => {
    const match = pattern.exec(name);
    if (match === null || match[1] === own[1] || name.slice(0, match.index) !== front) return false;
    return name.slice(match.index + match[0].length) === rest;
  });
}

/** Counts the parts beside the one at `place`, itself among them, and names them. */
function partsOf(pattern: RegExp, place: string): { count: number; others: string } {
  const others = othersOf(pattern, place);
  const said = Number(pattern.exec(basename(place))![2] ?? 1);
  const listed = others.slice(0, 3);
  if (others.length > listed.length) listed.push('...');
  return {
    count: Math.max(said, others.length + 1),
    others: others.length === 0 ? 'its name says so' : `beside it: ${listed.join(', ')}`,
  };
}

/** None where the directory may be passed through, but not listed. */
function namesBeside(place: string): string[] {
  try {
    return namesIn(dirname(place));
  } catch {
    return [];
  }
}

/**
 * Refuses a matrix that can only be a part: in Llama's own format the rows of the unembedding are split where the columns
 * of the embedding are.
 *
 * @param embedding shape of the embedding beside it; null where there is none
 * @param whole rows that there are to be; null where nothing says it for certain
 * @throws InputError that says how many parts there are
 */
export function refusePartByShape(
  { file, tensor, rows, columns }: RowSource,
  embedding: readonly number[] | null,
  whole: number | null,
): void {
  const [embeddingRows = 0, embeddingColumns = 0] = embedding ?? [];
  const byEmbedding = embeddingColumns * (embeddingRows / rows) === columns ? embeddingRows / rows : 1;
  const parts = Math.max(byEmbedding, (whole ?? rows) / rows);
  if (parts <= 1 || !Number.isInteger(parts)) return;
  throw new InputError(
    `${file}: tensor ${tensor} is ${rows} x ${columns}, one part of ${parts} of a model-parallel checkpoint ` +
      `(${rows * parts} rows are said to be there); convert the checkpoint to one in the format of transformers, in which ` +
      'tensors are whole',
  );
}
