import { backTransform } from './back-transformation.js';
import { packPanel, type ScaledMatrix } from './packed-triangle.js';
import { Reflectors } from './reflectors.js';
import { withProduct } from './sized-product.js';
import { Team } from './team.js';
import type { TridiagonalForm } from './tridiagonal-form.js';
import { tridiagonalise } from './tridiagonalisation.js';
import type { Workbench } from './workbench.js';

/** Reduces a symmetric matrix to tridiagonal form in blocks of columns, by `threads` threads, which have ended then. */
export async function reduceBlocked(
  matrix: ScaledMatrix,
  threads: number,
  bench: Workbench,
): Promise<TridiagonalForm> {
  const { n } = matrix;
  const { memory, householder: kernels, variant } = bench;
  const diagonal = new Float64Array(n);
  const offDiagonal = new Float64Array(n);
  const reflectors = new Reflectors(n);
  const team = Team.start(n, threads, variant);
  const { shared } = team;
  try {
    await withProduct(1, bench, (product) =>
      tridiagonalise({
        n,
        threads,
        index: 0,
        memory,
        kernels,
        product,
        loadPanels: async (panels) => {
          team.layPanels(matrix);
          for (const [panel, out] of panels) packPanel(matrix, panel, out);
          await team.release();
        },
        exchangeColumns: (columns, first, owned) => shared.exchangeColumns(columns, first, owned),
        exchangeSums: (sums, first) => shared.exchangeSums(sums, first, 0),
        onColumn: (j, column, vector) => {
          diagonal[j] = column.diagonal;
          offDiagonal[j] = column.offDiagonal;
          reflectors.set(j, column.tau, vector);
        },
      }),
    );
    await team.finish();
  } catch (error) {
    throw await team.abandon(error);
  }
  return {
    diagonal,
    offDiagonal,
    transformBack: (z, product) => backTransform(reflectors, z, n, { memory, kernels, product }),
  };
}
