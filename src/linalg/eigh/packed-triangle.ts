/**
 * Columns of a panel. The symmetric matrix of the tridiagonalisation has its lower triangle packed as column panels:
 * panel p holds the columns from 64 p on, of the rows from 64 p down, [rows, 64] row-major and contiguous; its
 * first 64 rows, the diagonal block, are stored in full. The order is padded with zeros to a multiple of 4, which kernels
 * take; columns beyond it are there, but mean nothing.
 *
 *     panel 0  panel 1  panel 2
 *     D
 *     x        D
 *     x        x        D
 *
 * One panel is one operand of a dense product, and a symmetric matrix-vector product reads it once, row after row.
 */
export const PANEL = 64;

/**
 * Slices that the panels are dealt to. Every slice sums its share of a matrix-vector product by itself, and the
 * sums are added in one fixed tree, so that no bit depends on how many threads there are: a power of two, at most
 * one a slice.
 */
export const SLICES = 8;

/** What to do where a thread has no room for its panels. */
export const PANELS_REMEDY = 'decompose the matrix on a machine with more memory, or with --backend system';

/** Number of panels of a matrix of order n. */
function panelCount(n: number): number {
  return Math.ceil(n / PANEL);
}

/** Order of a matrix of order n with its padding: a multiple of 4. */
export function paddedOrder(n: number): number {
  return Math.ceil(n / 4) * 4;
}

/** Slice that a panel is dealt to: to and fro, since a panel is shorter than the one before it. */
export function sliceOfPanel(panel: number): number {
  const turn = panel % (2 * SLICES);
  return turn < SLICES ? turn : 2 * SLICES - 1 - turn;
}

/** Slices of a matrix of order n that can have a panel, a power of two: all others would add zeros. At least two. */
export function sliceCount(n: number): number {
  let slices = 2;
  while (slices < Math.min(panelCount(n), SLICES)) slices *= 2;
  return slices;
}

/** Panels of a matrix of order n that a thread owns, ascending. */
export function panelsOfThread(n: number, index: number, threads: number): number[] {
  const panels = Array.from({ length: panelCount(n) }, (_, p) => p);
  return panels.filter((p) => sliceOfPanel(p) % threads === index);
}

/** Number of values in a panel of a matrix of order n. */
export function panelLength(n: number, panel: number): number {
  return (paddedOrder(n) - panel * PANEL) * PANEL;
}

/** Symmetric matrix, and the factor that gives it a norm of about 1. */
export interface ScaledMatrix {
  /** [n, n] row-major, of which the lower triangle is read. */
  values: Float64Array;
  n: number;
  scale: number;
}

/**
 * Copies one panel of a matrix, times its scale.
 * @param out [rows, 64], zeros
 */
export function packPanel({ values, n, scale }: ScaledMatrix, panel: number, out: Float64Array): void {
  const first = panel * PANEL;
  const end = Math.min(first + PANEL, n);
  for (let i = first; i < n; i++) {
    const at = (i - first) * PANEL;
    const columnEnd = Math.min(i + 1, end);
    for (let j = first; j < columnEnd; j++) {
      const value = values[i * n + j]! * scale;
      out[at + j - first] = value;
      if (i < end) out[(j - first) * PANEL + i - first] = value;
    }
  }
}
