/** Lines of COPY text: cut out of a stream, and their fields read. */

/** Whole lines, each with its line feed. A line ends where COPY ends a row: a line feed inside a value is written as `\n`. */
export async function* copyLines(source: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer[]> {
  // Pieces of a line that is not whole yet: put together once, however many there are.
  let rest: Buffer[] = [];
  for await (const piece of source) {
    if (piece.indexOf(10) === -1) {
      rest.push(Buffer.from(piece));
      continue;
    }
    const bytes = Buffer.concat([...rest, piece]);
    const lines: Buffer[] = [];
    let from = 0;
    for (let end = bytes.indexOf(10); end !== -1; end = bytes.indexOf(10, from)) {
      lines.push(bytes.subarray(from, end + 1));
      from = end + 1;
    }
    rest = from < bytes.length ? [bytes.subarray(from)] : [];
    yield lines;
  }
}

/** The first fields of a line as they were before COPY escaped them, and where the rest begins. */
export function leadingFields(line: Buffer, count: number): { fields: string[]; rest: number } {
  const fields: string[] = [];
  let from = 0;
  while (fields.length < count) {
    const tab = line.indexOf(9, from);
    const end = tab === -1 ? line.length - 1 : tab;
    fields.push(unescaped(line.toString("utf8", from, end)));
    from = end + 1;
  }
  return { fields, rest: from };
}

const ESCAPES: Record<string, string> = { b: "\b", f: "\f", n: "\n", r: "\r", t: "\t", v: "\v" };

function unescaped(field: string): string {
  return field.includes("\\") ? field.replace(/\\(.)/gs, (_, one: string) => ESCAPES[one] ?? one) : field;
}
