import type { DuckDBConnection } from '@duckdb/node-api';
import { loadDuckDB } from './load-duckdb.js';
import type { BasisView } from './views.js';

/** Vectors that are handed over at once: a few MB. */
const CHUNK_ROWS = 128;

/**
 * Inserts the eigenvectors of a run into a table of DuckDB's, which has the columns `index` and `vector`, a list of
 * floats. It takes the memory of the eigenvectors twice.
 *
 * @param table its name, behind that of its schema
 */
export async function insertBasis(
  connection: DuckDBConnection,
  table: string,
  { hidden: d, read }: BasisView,
): Promise<void> {
  const { DuckDBDataChunk, DuckDBListValue, FLOAT, INTEGER, LIST } = await loadDuckDB();
  const vectors = await read();
  const [name, schema] = table.split('.').reverse();
  const appender = await connection.createAppender(name!, schema);
  for (let first = 0; first < d; first += CHUNK_ROWS) {
    const indices = Array.from({ length: Math.min(CHUNK_ROWS, d - first) }, (_, k) => first + k);
    const columns = indices.map((j) => new DuckDBListValue(columnOf(vectors, d, j)));
    const chunk = DuckDBDataChunk.create([INTEGER, LIST(FLOAT)]);
    chunk.setColumns([indices, columns]);
    appender.appendDataChunk(chunk);
  }
  appender.closeSync();
}

/** @returns column j of a matrix [d, d] row-major */
function columnOf(matrix: Float32Array, d: number, j: number): number[] {
  const column = new Array<number>(d);
  for (let i = 0; i < d; i++) column[i] = matrix[i * d + j]!;
  return column;
}
