/** File in the folder of a series that says what was found; it is written last. */
export const SERIES_NAME = 'series.json';
export const SERIES_TABLE_NAME = 'series.parquet';
export const SERIES_TOKENS_NAME = 'tokens.parquet';
export const SERIES_PAGE_NAME = 'series.html';
