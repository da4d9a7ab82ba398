declare module 'parquetjs-lite' {
  interface ParquetReader {
    getCursor(): { next(): Promise<Record<string, unknown> | null> };
    close(): Promise<void>;
  }
  const parquetjs: { ParquetReader: { openFile(path: string): Promise<ParquetReader> } };
  export default parquetjs;
}
