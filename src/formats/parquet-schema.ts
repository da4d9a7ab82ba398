import type { SchemaElement } from 'hyparquet';

/** A column of a Parquet file as its footer describes it. */
export interface SchemaColumn {
  name: string;
  /** The column's own element, and those of its children. */
  elements: readonly SchemaElement[];
  /** Place of its first leaf among the columns of a group of rows. */
  leaf: number;
}

/** Lists the columns of a file, those with children too. @param schema of its footer: the root, and all below it */
export function columnsOfSchema(schema: readonly SchemaElement[]): SchemaColumn[] {
  const found: SchemaColumn[] = [];
  let leaf = 0;
  for (let at = 1; at < schema.length; ) {
    const end = endOf(schema, at);
    const elements = schema.slice(at, end);
    found.push({ name: elements[0]!.name, elements, leaf });
    leaf += leavesOf(elements).length;
    at = end;
  }
  return found;
}

/** Elements that have values: the others group them. */
export function leavesOf(elements: readonly SchemaElement[]): SchemaElement[] {
  return elements.filter(({ num_children: children }) => !children);
}

/** Whether a column has one value a row, or none where it may be absent. */
export function isFlat({ elements: [element, ...children] }: SchemaColumn): boolean {
  const { type, num_children, repetition_type } = element!;
  return (
    children.length === 0 &&
    type !== undefined &&
    !num_children &&
    (repetition_type === 'REQUIRED' || repetition_type === 'OPTIONAL')
  );
}

/** Where the elements of a column end, its children's included. */
function endOf(schema: readonly SchemaElement[], at: number): number {
  let open = 1;
  let end = at;
  for (; open > 0 && end < schema.length; end++) open += (schema[end]!.num_children ?? 0) - 1;
  return end;
}
