/** File in the folder of a comparison that says what was found; it is written last. */
export const COMPARISON_NAME = 'comparison.json';
export const DISPLACEMENT_NAME = 'displacement.parquet';
export const BANDS_NAME = 'bands.parquet';
export const COMPARISON_PAGE_NAME = 'compare.html';
