import test from 'ava';
import { divideAndConquer } from '../../../src/linalg/eigh/divide-and-conquer.js';
import { SizedProduct } from '../../../src/linalg/eigh/sized-product.js';
import { Workbench } from '../../../src/linalg/eigh/workbench.js';
import { kernelVariant } from '../../../src/linalg/kernels/eigh-kernels.js';
import { Product } from '../../../src/linalg/product.js';
import { randomNumbers } from '../../helpers/random.js';

const bench = Workbench.take(kernelVariant());

async function decompose(diagonal: Float64Array, offDiagonal: Float64Array, panelColumns?: number) {
  const n = diagonal.length;
  const product = new SizedProduct(bench, () => Product.createAccumulating(1));
  const eigenvalues = diagonal.slice();
  const eigenvectors = new Float64Array(n * n);
  const workshop = { ...bench, product: () => product };
  await divideAndConquer(
    eigenvalues,
    offDiagonal.slice(),
    eigenvectors,
    panelColumns === undefined ? workshop : { ...workshop, panelColumns },
  );
  await product.release();
  return { eigenvalues, eigenvectors };
}

/** Largest entry of | T Z - Z diag(eigenvalues) | and of | Z^T Z - I |. */
function deviations(
  [diagonal, offDiagonal]: readonly [Float64Array, Float64Array],
  { eigenvalues, eigenvectors: z }: { eigenvalues: Float64Array; eigenvectors: Float64Array },
) {
  const n = diagonal.length;
  let [residual, orthogonality] = [0, 0];
  for (let j = 0; j < n; j++) {
    for (let i = 0; i < n; i++) {
      const at = (row: number) => (row < 0 || row >= n ? 0 : z[row * n + j]!);
      const image =
        diagonal[i]! * at(i) + (offDiagonal[i - 1] ?? 0) * at(i - 1) + (offDiagonal[i] ?? 0) * at(i + 1);
      residual = Math.max(residual, Math.abs(image - eigenvalues[j]! * at(i)));
      let dot = 0;
      for (let k = 0; k < n; k++) dot += z[k * n + i]! * z[k * n + j]!;
      orthogonality = Math.max(orthogonality, Math.abs(dot - (i === j ? 1 : 0)));
    }
  }
  return { residual, orthogonality };
}

test('eigenvectors that are merged in panels of columns diagonalise the matrix as those merged at once', async (t) => {
  const n = 333;
  const random = randomNumbers(5);
  const diagonal = Float64Array.from({ length: n }, () => random.normal() / 4);
  // Couplings of many sizes: some eigenvalues of the halves deflate, on either side.
  const offDiagonal = Float64Array.from({ length: n - 1 }, (_, i) => random.normal() * 10 ** -(i % 12) * 0.2);
  const whole = await decompose(diagonal, offDiagonal);
  for (const panelColumns of [128, 150, 332, 334]) {
    const panelled = await decompose(diagonal, offDiagonal, panelColumns);
    t.deepEqual(panelled.eigenvalues, whole.eigenvalues);
    const { residual, orthogonality } = deviations([diagonal, offDiagonal], panelled);
    const tolerance = 4 * Math.sqrt(n) * Number.EPSILON;
    t.log(
      `${panelColumns} columns: residual ${residual.toExponential(1)}, orthogonality ${orthogonality.toExponential(1)}, ` +
        `at most ${tolerance.toExponential(1)}`,
    );
    t.true(residual <= tolerance && orthogonality <= tolerance);
  }
});
