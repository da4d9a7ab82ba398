/** A table of texts whose first line names the columns. */
export interface DelimitedTable {
  names: string[];
  /** Every row as long as `names`. */
  rows: string[][];
}

/**
 * Reads a .csv or .tsv text as RFC 4180 has it: a field in quotation marks may hold separators, line ends, and quotation
 * marks that are doubled. A mark that does not begin a field is a character like any other. Empty lines are left out.
 *
 * @param separator one character
 * @throws RangeError in words that say the line, where a row has another number of fields or a quotation does not end
 */
export function readDelimited(text: string, separator: string): DelimitedTable {
  const [names, ...rows] = [...linesOf(text, separator)];
  if (names === undefined) throw new RangeError('is empty, expected a first line that names the columns');
  for (const { fields, line } of rows) {
    if (fields.length === names.fields.length) continue;
    throw new RangeError(
      `line ${line} has ${fields.length} fields, expected ${names.fields.length} as in the first line; put fields that hold ` +
        'a separator or a line end into quotation marks',
    );
  }
  return { names: names.fields, rows: rows.map(({ fields }) => fields) };
}

/** Lines of a text with the number, from 1, at which each begins; not the empty ones. */
function* linesOf(text: string, separator: string): Generator<{ fields: string[]; line: number }> {
  // A byte order mark, as spreadsheets write one.
  let at = text.startsWith('\uFEFF') ? 1 : 0;
  let line = 1;
  while (at < text.length) {
    const begun = line;
    const fields: string[] = [];
    let isQuoted = false;
    for (;;) {
      const field = fieldAt(text, at, separator, line);
      fields.push(field.value);
      isQuoted ||= field.isQuoted;
      line += field.lines;
      at = field.end;
      if (text[at] !== separator) break;
      at++;
    }
    if (text[at] === '\r') at++;
    if (text[at] === '\n') at++;
    line++;
    const isEmpty = fields.length === 1 && fields[0] === '' && !isQuoted;
    if (!isEmpty) yield { fields, line: begun };
  }
}

/** A field that begins at a place of the text. */
interface Field {
  value: string;
  isQuoted: boolean;
  /** Place of what follows it: a separator, the end of a line or of the text. */
  end: number;
  /** Line ends within it. */
  lines: number;
}

function fieldAt(text: string, start: number, separator: string, line: number): Field {
  if (text[start] !== '"') {
    let end = start;
    while (end < text.length && text[end] !== separator && !isLineEnd(text, end)) end++;
    return { value: text.slice(start, end), isQuoted: false, end, lines: 0 };
  }
  let value = '';
  for (let from = start + 1; ; ) {
    const mark = text.indexOf('"', from);
    if (mark < 0)
      throw new RangeError(
        `line ${line} begins a quotation that does not end; double a mark that is text: """"`,
      );
    value += text.slice(from, mark);
    if (text[mark + 1] !== '"') {
      const end = mark + 1;
      if (end < text.length && text[end] !== separator && !isLineEnd(text, end))
        throw new RangeError(
          `line ${line} has text behind the quotation that begins a field; double the marks that are text: """"`,
        );
      return { value, isQuoted: true, end, lines: value.split('\n').length - 1 };
    }
    value += '"';
    from = mark + 2;
  }
}

/** Whether a line ends here: a carriage return does so only before a line feed, or at the end. */
function isLineEnd(text: string, at: number): boolean {
  if (text[at] === '\n') return true;
  return text[at] === '\r' && (at + 1 === text.length || text[at + 1] === '\n');
}
