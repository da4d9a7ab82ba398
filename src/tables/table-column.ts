/** One column of a table, as the Parquet writer takes it. Only a nullable column may hold null. */
export interface TableColumn {
  name: string;
  type: 'INT32' | 'DOUBLE' | 'BOOLEAN' | 'STRING';
  nullable: boolean;
  data: Int32Array | Float64Array | (number | string | boolean | null)[];
}

/** Whole numbers. */
export function int32(name: string, data: Int32Array): TableColumn {
  return { name, type: 'INT32', nullable: false, data };
}

/** Numbers that are always there. */
export function double(name: string, data: Float64Array): TableColumn {
  return { name, type: 'DOUBLE', nullable: false, data };
}

/** Numbers that may be undefined, which NaN marks in `data` and null in the table. */
export function nullableDouble(name: string, data: Float64Array): TableColumn {
  const column = { name, type: 'DOUBLE', nullable: true } as const;
  if (!data.some(Number.isNaN)) return { ...column, data };
  return { ...column, data: Array.from(data, (value) => (Number.isNaN(value) ? null : value)) };
}

/** Whole numbers that may be missing, which -1 marks in `data` and null in the table. */
export function nullableInt32(name: string, data: Int32Array): TableColumn {
  return {
    name,
    type: 'INT32',
    nullable: true,
    data: Array.from(data, (value) => (value < 0 ? null : value)),
  };
}

export function nullableBoolean(name: string, data: (boolean | null)[]): TableColumn {
  return { name, type: 'BOOLEAN', nullable: true, data };
}

export function text(name: string, data: string[]): TableColumn {
  return { name, type: 'STRING', nullable: false, data };
}

export function nullableText(name: string, data: (string | null)[]): TableColumn {
  return { name, type: 'STRING', nullable: true, data };
}
