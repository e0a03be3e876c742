/** One record: its folder's files and documents as rows that lean on each other, before any database is asked. */
import { JsonArray, type JsonDocument, JsonObject, type JsonValue } from "./json-text.ts";
import type { SetLayout } from "./layout.ts";
import type { ImportMapping, Rows } from "./mapping.ts";
import { keyOf, mediaOf } from "./media.ts";
import type { JsonPath, PathStep } from "./path.ts";
import { writeStep } from "./path.ts";
import { nameOf, type PlannedRow, type RecordContent, type RecordDocument } from "./record-content.ts";
import { RecordRefused, type RefusalCode } from "./refused.ts";
import { columnText, shownValue, ValueRefused } from "./value.ts";

/** What should agree and does not. */
export interface Disagreement {
  what: string;
  values: { path: string; at: string; value: string | null }[];
}

interface PlannedRecord {
  /** By the layout's sets. */
  rows: PlannedRow[][];
  disagreements: Disagreement[];
}

/** Its rows and what in it does not agree; throws `RecordRefused` at the first thing that is not as the mapping says. */
export function planRecord(
  mapping: ImportMapping,
  layout: readonly SetLayout[],
  content: RecordContent,
): PlannedRecord {
  const rows: PlannedRow[][] = [];
  for (const set of layout) {
    const made: PlannedRow[] = [];
    for (const document of content.documents)
      if (document.name === set.rows.from) made.push(...rowsOf(set, document, content, rows, layout));
    refuseTwice(set, made, content);
    rows.push(made);
  }
  return { rows, disagreements: compared(mapping, content) };
}

/** A place of a row: what refusals tell. */
interface Place {
  content: RecordContent;
  document: RecordDocument;
  /** Of its element, as a path. */
  at: string;
}

const sourcePath = ({ content, document }: Place) => `${content.folder}${document.path}`;

function refused(
  place: Place,
  reason: string,
  at = place.at,
  code: RefusalCode = "ImportValueRefused",
): RecordRefused {
  return new RecordRefused({ code, path: sourcePath(place), at, reason });
}

function rowsOf(
  set: SetLayout,
  document: RecordDocument,
  content: RecordContent,
  before: readonly PlannedRow[][],
  layout: readonly SetLayout[],
): PlannedRow[] {
  const { rows } = set;
  const made: PlannedRow[] = [];
  for (const element of elementsOf(rows, { content, document, at: "$" })) {
    const place = { content, document, at: element.at };
    if (rows.when !== undefined && (read(place, element.value, rows.when).value ?? null) === null) continue;
    const row: PlannedRow = { texts: [], parents: [], document, trail: element.trail };
    const media = mediaOf(rows, content, document, (path) => {
      const found = read(place, element.value, path);
      return { ...found, refuse: (reason, code) => refused(place, reason, found.at, code) };
    });
    if (media === "none") continue;
    row.texts = set.texts.map(({ value, key }) => {
      if (value.form === "value") return String(value.value);
      if (value.form === "star") return document.stars[value.star - 1] ?? null;
      if (value.form === "file") return PARTS[value.file](content.folder, document.path);
      // What the file is, is known when it has been read.
      if (value.form === "media") return null;
      const found = read(place, element.value, value.path);
      try {
        return columnText(jsonOf(document), found.value, value, value.required || key);
      } catch (error) {
        if (error instanceof ValueRefused) throw refused(place, error.message, found.at);
        throw error;
      }
    });
    row.parents = set.parents.map(({ set: parent, value }) =>
      parentOf(value, { row, set, place, element: element.value }, before[parent] ?? [], layout[parent]),
    );
    if (media !== undefined) row.media = { ...media, key: keyOf(set, row, before, layout, media, place) };
    made.push(row);
  }
  return made;
}

const PARTS: Record<
  "path" | "name" | "stem" | "extension" | "folder",
  (folder: string, path: string) => string
> = {
  path: (folder, path) => folder + path,
  name: (_, path) => nameOf(path),
  stem: (_, path) => nameOf(path).replace(/(?<=.)\.[^.]*$/s, ""),
  extension: (_, path) => /(?<=.)\.([^.]*)$/s.exec(nameOf(path))?.[1] ?? "",
  folder: (folder) => folder.slice(0, -1),
};

function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/") + 1);
}

interface Element {
  value: JsonValue | undefined;
  /** As a path from the document's top. */
  at: string;
  trail: number[];
}

function jsonOf(document: RecordDocument): JsonDocument {
  return document.json ?? NO_JSON;
}

const NO_JSON: JsonDocument = { text: "null", value: null };

function elementsOf(rows: Rows, place: Place): Element[] {
  let elements: Element[] = [{ value: place.document.json?.value, at: "$", trail: [] }];
  for (const step of rows.each?.steps ?? []) {
    elements = elements.flatMap((element): Element[] => {
      if (!("all" in step)) {
        const { value, at } = oneStep(element.value, element.at, step);
        return [{ value, at, trail: element.trail }];
      }
      if (element.value === undefined || element.value === null) return [];
      if (!(element.value instanceof JsonArray)) throw refused(place, "it is no array", element.at);
      return element.value.items.map((value, index) => ({
        value,
        at: `${element.at}[${index}]`,
        trail: [...element.trail, index],
      }));
    });
  }
  return elements;
}

/** What a path leads to, from an element or from its document's top. */
function read(
  place: Place,
  element: JsonValue | undefined,
  path: JsonPath,
): { value: JsonValue | undefined; at: string } {
  let found =
    path.from === "element"
      ? { value: element, at: place.at }
      : { value: place.document.json?.value as JsonValue | undefined, at: "$" };
  for (const step of path.steps) found = oneStep(found.value, found.at, step);
  return found;
}

function oneStep(
  value: JsonValue | undefined,
  at: string,
  step: PathStep,
): { value: JsonValue | undefined; at: string } {
  if ("member" in step)
    return {
      value: value instanceof JsonObject ? value.members.get(step.member) : undefined,
      at: at + writeStep(step.member),
    };
  const index = "index" in step ? step.index : 0;
  return { value: value instanceof JsonArray ? value.items[index] : undefined, at: at + writeStep(index) };
}

/** Which row of the parent's set is meant. */
function parentOf(
  value: SetLayout["parents"][number]["value"],
  {
    row,
    set,
    place,
    element,
  }: { row: PlannedRow; set: SetLayout; place: Place; element: JsonValue | undefined },
  candidates: readonly PlannedRow[],
  parent: SetLayout | undefined,
): number | null {
  const found =
    value.by === undefined
      ? nearest(row, set, candidates, parent)
      : candidates.flatMap((candidate, index) =>
          Object.entries(value.by ?? {}).every(([column, path]) => {
            const text = parent?.texts.findIndex((one) => one.column === column) ?? -1;
            return (
              candidate.texts[text] === shownValue(jsonOf(place.document), read(place, element, path).value)
            );
          })
            ? [index]
            : [],
        );
  const [only, second] = found;
  if (second !== undefined)
    throw refused(place, `${found.length} rows of "${value.row}" may be meant; let the mapping say by what`);
  if (only !== undefined) return only;
  if (value.optional) return null;
  throw refused(place, `the record has no such row of "${value.row}"`);
}

/** Of the same document the row of this or an outer element, else that of the nearest folder above, else the only one. */
function nearest(
  row: PlannedRow,
  set: SetLayout,
  candidates: readonly PlannedRow[],
  parent: SetLayout | undefined,
): number[] {
  const all = candidates.map((_, index) => index);
  if (all.length <= 1) return all;
  const [own, outer] = [set.rows.each?.steps ?? [], parent?.rows.each?.steps ?? []];
  if (outer.every((step, index) => JSON.stringify(step) === JSON.stringify(own[index]))) {
    const around = all.filter((index) => {
      const candidate = candidates[index];
      return (
        candidate?.document.path === row.document.path &&
        candidate.trail.every((at, depth) => at === row.trail[depth])
      );
    });
    if (around.length === 1) return around;
  }
  const folder = folderOf(row.document.path);
  const above = all
    .map((index) => ({ index, folder: folderOf(candidates[index]?.document.path ?? "") }))
    .filter((one) => folder.startsWith(one.folder));
  const deepest = Math.max(...above.map((one) => one.folder.length));
  const closest = above.filter((one) => one.folder.length === deepest);
  return closest.length > 0 ? closest.map(({ index }) => index) : all;
}

/** Two rows of one key in one record are a mistake in it, unless the set is many records' own. */
function refuseTwice(
  { name, texts, parents, slots, key, rows }: SetLayout,
  made: readonly PlannedRow[],
  content: RecordContent,
): void {
  if (rows.existing === "keep" || made.length < 2) return;
  const seen = new Set<string>();
  for (const row of made) {
    const values = slots
      .filter((slot) => key.includes(slot.column))
      .map((slot) => {
        if (slot.from === "parent") return row.parents[slot.parent] ?? null;
        if (slot.from === "text" && texts[slot.text]?.value.form === "media")
          return row.media?.key.text ?? null;
        return slot.from === "text" ? (row.texts[slot.text] ?? null) : row.texts;
      });
    const text = JSON.stringify(values);
    if (seen.has(text)) {
      const shown = values.filter((value) => typeof value === "string").join(", ");
      throw refused(
        { content, document: row.document, at: row.trail.length === 0 ? "$" : `$…[${row.trail.join("][")}]` },
        `two rows of "${name}" have the same key${shown === "" ? "" : `: ${shown}`}${parents.length > 0 ? " below the same row" : ""}`,
      );
    }
    seen.add(text);
  }
}

function compared(mapping: ImportMapping, content: RecordContent): Disagreement[] {
  return mapping.compare.flatMap(({ what, between: [one, other], loosely }) =>
    content.documents
      .filter(({ name }) => name === one.in)
      .flatMap((first) =>
        content.documents
          .filter(({ name }) => name === other.in)
          .flatMap((second): Disagreement[] => {
            const values = [
              { document: first, path: one.path },
              { document: second, path: other.path },
            ].map(({ document, path }) => {
              const place = { content, document, at: "$" };
              const { value, at } = read(place, document.json?.value, path);
              return { path: sourcePath(place), at, value: shownValue(jsonOf(document), value) };
            });
            const [left, right] = values.map(({ value }) =>
              loosely ? (value?.trim().toLowerCase() ?? "") : value,
            );
            return left === right ? [] : [{ what, values }];
          }),
      ),
  );
}
