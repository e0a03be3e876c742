/** What a mapping has to keep to beyond its form: names that are there, in an order that can be followed, and paths that fit where they stand. */
import { didYouMean } from "../did-you-mean.ts";
import { folded } from "./layout.ts";
import type { ColumnValue, ImportMapping, Rows } from "./mapping.ts";
import type { JsonPath } from "./path.ts";

/** Every problem in words, with its place. */
export function checkMapping(mapping: ImportMapping): string[] {
  const problems: string[] = [];
  const documents = ["record", ...Object.keys(mapping.documents)];
  const isFile = (name: string) => mapping.documents[name]?.as === "file";
  if (mapping.documents.record !== undefined)
    problems.push("documents.record: that is the record's own document; choose another name");
  const before: string[] = [];
  for (const [name, rows] of Object.entries(mapping.rows)) {
    const at = `rows.${name}`;
    const tell = (where: string, problem: string) => problems.push(`${at}${where}: ${problem}`);
    if (!documents.includes(rows.from))
      tell(".from", `there is no document "${rows.from}", ${didYouMean(rows.from, documents)}`);
    checkRows(rows, { mapping, before, file: isFile(rows.from), tell });
    before.push(name);
  }
  for (const [index, { between }] of mapping.compare.entries())
    for (const place of between) {
      const at = `compare.${index}.between`;
      if (!documents.includes(place.in))
        problems.push(`${at}: there is no document "${place.in}", ${didYouMean(place.in, documents)}`);
      else if (isFile(place.in)) problems.push(`${at}: "${place.in}" is a file, and holds no values`);
      if (goesOver(place.path)) problems.push(`${at}: a value is compared, not an array's elements`);
    }
  return problems;
}

interface Beside {
  mapping: ImportMapping;
  /** The sets of rows that stand before. */
  before: readonly string[];
  file: boolean;
  tell(where: string, problem: string): void;
}

function checkRows(rows: Rows, beside: Beside): void {
  const { file, tell, mapping, before } = beside;
  const plain = (where: string, path: JsonPath | undefined) => {
    if (path === undefined) return;
    if (file) tell(where, `a file has no path "${path.text}"`);
    if (goesOver(path)) tell(where, `"${path.text}" is many values; only each goes over an array`);
  };
  if (rows.each !== undefined) {
    if (file) tell(".each", "a file has no elements");
    if (!goesOver(rows.each) || !("all" in (rows.each.steps.at(-1) ?? {})))
      tell(".each", `"${rows.each.text}" is no array's elements: it ends with [*]`);
    if (rows.each.from === "document") tell(".each", "it begins with one $, the document's top");
  }
  plain(".when", rows.when);
  const columns = new Map(Object.entries(rows.columns).map(([column, value]) => [folded(column), value]));
  if (columns.size !== Object.keys(rows.columns).length) tell(".columns", "one column stands there twice");
  for (const key of rows.key) {
    const value = columns.get(folded(key));
    if (value === undefined) tell(".key", `"${key}" is none of its columns`);
    if (value?.form === "sha256") tell(".key", `"${key}" is computed by the database`);
  }
  const stars = mapping.documents[rows.from]?.files.stars ?? 0;
  for (const [column, value] of Object.entries(rows.columns))
    checkValue(value, {
      ...{ ...beside, columns, plain, stars, hasMedia: rows.media !== undefined },
      tell: (_, problem) => tell(`.columns.${column}`, problem),
    });
  const { media } = rows;
  if (media === undefined) return;
  if (media.file === undefined && !file)
    tell(
      ".media",
      "say by file: where the element names the file, or make the row from a document that is as: file",
    );
  for (const [part, path] of Object.entries({ file: media.file, sha256: media.sha256, bytes: media.bytes }))
    plain(`.media.${part}`, path);
  for (const part of media.key.parts) {
    if ("star" in part && part.star > stars) tell(".media.key", `there is no star ${part.star}`);
    if (!("column" in part)) continue;
    const whose = part.row === undefined ? columns : columnsOf(mapping, before, part.row);
    if (whose === undefined) tell(".media.key", `no set of rows "${part.row}" stands before this one`);
    else if (!knowsText(whose.get(folded(part.column))))
      tell(".media.key", `"${part.column}" is no column that is filled from the record`);
  }
}

interface Within extends Beside {
  columns: ReadonlyMap<string, ColumnValue>;
  stars: number;
  hasMedia: boolean;
  plain(where: string, path: JsonPath | undefined): void;
}

function checkValue(value: ColumnValue, within: Within): void {
  const { tell, plain, before, mapping, columns } = within;
  if (value.form === "path") {
    plain("", value.path);
    if (value.zone !== undefined && value.type !== "timestamptz") tell("", "a zone is for timestamptz");
    if (value.epoch !== undefined && !value.type.startsWith("timestamp"))
      tell("", "an epoch is for timestamps");
    if (value.values !== undefined && value.type !== "text") tell("", "values are words: type text");
  }
  if (value.form === "row" || value.form === "table")
    for (const path of Object.values(value.by ?? {})) plain("", path);
  if (value.form === "row") {
    const there = columnsOf(mapping, before, value.row);
    if (there === undefined)
      tell("", `no set of rows "${value.row}" stands before this one, ${didYouMean(value.row, before)}`);
    for (const column of Object.keys(value.by ?? {}))
      if (there !== undefined && !knowsText(there.get(folded(column))))
        tell("", `"${column}" is no column that "${value.row}" fills from the record`);
  }
  if (value.form === "star") {
    const { stars } = within;
    if (value.star > stars)
      tell("", `its document's pattern has ${stars === 1 ? "one star" : `${stars} stars`}`);
  }
  if (value.form === "media" && !within.hasMedia) tell("", "the rows have no media");
  if (value.form === "sha256") {
    const of = columns.get(folded(value.sha256));
    if (of === undefined || of.form === "sha256") tell("", `"${value.sha256}" is no other column of the row`);
  }
}

function columnsOf(
  mapping: ImportMapping,
  before: readonly string[],
  name: string,
): Map<string, ColumnValue> | undefined {
  const rows = before.includes(name) ? mapping.rows[name] : undefined;
  return rows && new Map(Object.entries(rows.columns).map(([column, value]) => [folded(column), value]));
}

/** Whether the value is known before the database is asked. */
function knowsText(value: ColumnValue | undefined): boolean {
  return value !== undefined && !["row", "table", "sha256"].includes(value.form);
}

const goesOver = (path: JsonPath): boolean => path.steps.some((step) => "all" in step);
