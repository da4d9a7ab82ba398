import test from 'ava';
import { KernelMemory } from '../../../src/linalg/kernels/kernel-memory.js';
import { loadRowKernels } from '../../../src/linalg/kernels/row-kernels.js';
import { loadVectorKernels } from '../../../src/linalg/kernels/vector-kernels.js';
import { extremeLists, LISTS } from '../../../src/tables/extremes.js';
import { randomFloat32, seededRandom } from '../../helpers/random.js';

const memory = new KernelMemory('');
const kernels = loadVectorKernels(memory);

test('rows are gathered from columns that lie on no boundary', (t) => {
  const rowKernels = loadRowKernels(memory);
  for (const rows of [1, 3, 15, 16, 17, 40])
    for (const columns of [1, 3, 4, 5, 17]) {
      const stride = rows * 4 + 7;
      const { src, dst } = memory.allot({ src: columns * stride + 3, dst: rows * columns * 4 + 64 });
      const values = randomFloat32(rows * columns, rows * 100 + columns);
      dst.float32.fill(7);
      for (let j = 0; j < columns; j++) {
        const column = Float32Array.from({ length: rows }, (_, i) => values[i * columns + j]!);
        src.bytes.set(new Uint8Array(column.buffer), 3 + j * stride);
      }
      rowKernels.gatherRows(src.offset + 3, stride, rows, columns, dst.offset);
      t.deepEqual(dst.float32.slice(0, rows * columns), values, `${rows} x ${columns}`);
      t.true(dst.float32.subarray(rows * columns).every((value) => value === 7));
    }
});

/** Regions of products, and of the lists of their tokens. */
function allotLists(rows: number, vectors: number, top: number) {
  return memory.allot({
    products: rows * vectors * 4,
    norms: rows * 16,
    sums: vectors * 16,
    floors: LISTS * vectors * 4,
    keys: vectors * LISTS * top * 8,
    tokens: vectors * LISTS * top * 4,
  });
}

/** Lists of one vector as plain sorting gives them: keys falling, ties to the lower token. */
function naiveLists(products: number[], norms: readonly Float64Array[], top: number) {
  return extremeLists.map(({ measure, side }) => {
    const divisors = { projection: null, euclidean_cosine: norms[0]!, causal_cosine: norms[1]! }[measure];
    const entries = products.flatMap((x, token) => {
      const divisor = divisors === null ? 1 : divisors[token]!;
      return divisor > 0 ? [{ key: (side === '+' ? x : -x) / divisor, token }] : [];
    });
    return entries.sort((a, b) => b.key - a.key || a.token - b.token).slice(0, top);
  });
}

test('the lists of every vector are those of plain sorting, with ties, zero rows and norms of any size', (t) => {
  for (const [rows, vectors, top] of [
    [1, 4, 3],
    [50, 8, 1],
    [60, 4, 7],
    [40, 12, 50],
  ] as const) {
    const random = seededRandom(rows * vectors);
    const products = randomFloat32(rows * vectors, rows + vectors);
    // Equal rows, as many vocabularies have.
    for (let i = 3; i < rows; i += 5) products.copyWithin(i * vectors, 0, vectors);
    const sizes = [1, 1, 1, 0, 1e-30, 1e25];
    const norms = [0, 1].map(() =>
      Float64Array.from({ length: rows }, (_, i) =>
        i % 5 === 3 || i === 0 ? 2 : sizes[i % 6]! * (2 + random()),
      ),
    );
    const regions = allotLists(rows, vectors, top);
    regions.products.float32.set(products);
    regions.sums.float64.fill(0);
    regions.tokens.int32.fill(-1);
    for (const [list, { side }] of extremeLists.entries())
      regions.floors.float32.fill(side === '+' ? -Infinity : Infinity, list * vectors, (list + 1) * vectors);
    // In two strips, the second with a floor.
    for (const [first, count] of [
      [0, Math.ceil(rows / 2)],
      [Math.ceil(rows / 2), Math.floor(rows / 2)],
    ] as const) {
      for (const [k, values] of norms.entries())
        regions.norms.float64.set(values.subarray(first, first + count), k * count);
      kernels.offerTokens(
        ...([regions.products.offset + first * vectors * 4, count, vectors, 100 + first] as const),
        ...([regions.norms.offset, top, regions.sums.offset, regions.floors.offset] as const),
        ...([regions.keys.offset, regions.tokens.offset] as const),
      );
    }
    for (let v = 0; v < vectors; v++) {
      const own = Array.from({ length: rows }, (_, i) => products[i * vectors + v]!);
      const sum = own.reduce((total, x) => total + x, 0);
      t.true(Math.abs(regions.sums.float64[v]! - sum) < 1e-12);
      const squares = own.reduce((total, x) => total + x * x, 0);
      t.true(Math.abs(regions.sums.float64[vectors + v]! - squares) < 1e-12);
      for (const [list, expected] of naiveLists(own, norms, top).entries()) {
        const at = (v * LISTS + list) * top;
        const found = Array.from(regions.tokens.int32.subarray(at, at + top)).filter((token) => token >= 0);
        t.deepEqual(
          found.map((token, place) => ({ token: token - 100, key: regions.keys.float64[at + place]! })),
          expected.map(({ token, key }) => ({ token, key })),
          `${rows} rows, vector ${v}, list ${list}`,
        );
      }
    }
  }
});

test('a list that is not wanted stays empty, and products that are no numbers are in none', (t) => {
  const [rows, vectors, top] = [3, 4, 2];
  const regions = allotLists(rows, vectors, top);
  regions.products.float32.set([1, 2, 3, 4, Number.NaN, 2, 3, 4, 5, 6, 7, 8]);
  regions.norms.float64.fill(1);
  regions.sums.float64.fill(0);
  regions.tokens.int32.fill(-1);
  for (const [list, { side }] of extremeLists.entries()) {
    const open = side === '+' ? -Infinity : Infinity;
    regions.floors.float32.fill(list < 2 ? open : -open, list * vectors, (list + 1) * vectors);
  }
  const { products, norms, sums, floors, keys, tokens } = regions;
  kernels.offerTokens(
    ...([products.offset, rows, vectors, 0, norms.offset, top, sums.offset] as const),
    ...([floors.offset, keys.offset, tokens.offset] as const),
  );
  t.deepEqual(Array.from(tokens.int32.subarray(0, 4)), [2, 0, 0, 2]);
  t.deepEqual(Array.from(tokens.int32.subarray(4, LISTS * top)), new Array(8).fill(-1));
  t.true(Number.isNaN(sums.float64[0]!));
});
