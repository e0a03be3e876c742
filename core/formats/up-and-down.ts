/** Files that hold the way there and the way back, parted by two marks: dbmate's, goose's and node-pg-migrate's. */
import type { SqlSource } from "../sql-source.ts";
import type { FormatName } from "./format.ts";
import { blank, broken, firstCode, type Marker } from "./markers.ts";

export interface Marks {
  format: FormatName;
  up: readonly Marker[];
  down: readonly Marker[];
  /** What the two are written like, for a refusal. */
  words: { up: string; down: string };
}

/** The file with only its way there; throws `SequenceBroken` for a mark that stands twice, and for a way back that comes first. */
export function upOnly(source: SqlSource, { format, up, down, words }: Marks): SqlSource {
  const [first, twice] = up;
  const [back, backTwice] = down;
  if (twice !== undefined)
    throw broken(format, source, twice.start, `"${words.up}" stands twice`, "keep one of them");
  if (backTwice !== undefined)
    throw broken(format, source, backTwice.start, `"${words.down}" stands twice`, "keep one of them");
  if (back === undefined) return source;
  if (first === undefined || back.start < first.start)
    throw broken(
      format,
      source,
      back.start,
      `"${words.down}" stands before "${words.up}"`,
      `begin with "${words.up}"`,
    );
  return { ...source, sql: blank(source.sql, back.start, source.sql.length) };
}

/** The mark of the way there; throws `SequenceBroken` for a file that has none, or whose first statement stands before it. */
export function firstMark(source: SqlSource, { format, up: [mark], words }: Marks): Marker {
  const start = firstCode(source.sql) ?? source.sql.length;
  if (mark !== undefined && mark.start <= start) return mark;
  throw broken(
    format,
    source,
    Math.min(start, mark?.start ?? start),
    `it does not begin with "${words.up}"`,
    `write "${words.up}" before the first statement`,
  );
}
