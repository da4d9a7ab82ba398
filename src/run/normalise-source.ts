import { reduceTasks } from '../executor/executor.js';
import { tellRows } from '../executor/tell-rows.js';
import type { Checkpoint, RowSource } from '../input/checkpoint.js';
import { SCAN_ROWS } from '../plan/plan-run.js';
import { splitRows } from '../plan/row-ranges.js';
import type { RunContext } from './context.js';

/** What PyTorch adds to a norm, so that a column of zeros stays one. */
const COLUMN_EPSILON = 1e-7;

/**
 * Gives the rows of a checkpoint as a model with a NormHead uses them. The norms of columns are those of all stored rows,
 * whichever take part, and need a pass over them.
 */
export async function normaliseSource(
  { source, storedRows, normalisation }: Pick<Checkpoint, 'source' | 'storedRows' | 'normalisation'>,
  { executor, stopwatch }: Pick<RunContext, 'executor' | 'stopwatch'>,
): Promise<RowSource> {
  switch (normalisation) {
    case null:
      return source;
    case 'rows':
      return { ...source, divisor: 'norm' };
    case 'columns': {
      const whole = { ...source, rows: storedRows };
      const inputs = splitRows(storedRows, SCAN_ROWS).map((rows) => ({
        source: whole,
        rows,
        sumSquares: true,
      }));
      const squares = new Float64Array(source.columns);
      await stopwatch.time('column norms', storedRows, (advance) =>
        reduceTasks(tellRows(executor, advance), 'scan', inputs, ({ columnSquares }) => {
          for (let j = 0; j < squares.length; j++) squares[j]! += columnSquares![j]!;
        }),
      );
      return { ...source, divisor: squares.map((square) => Math.sqrt(square) + COLUMN_EPSILON) };
    }
  }
}
