/** The file that a row is about: which one the record means, and the key under which it is kept. */

import type { JsonValue } from "./json-text.ts";
import { JsonNumber } from "./json-text.ts";
import { unsafeInKey } from "./key-template.ts";
import type { SetLayout } from "./layout.ts";
import { folded } from "./layout.ts";
import type { Rows } from "./mapping.ts";
import type { JsonPath } from "./path.ts";
import {
  type MediaWanted,
  nameOf,
  type PlannedRow,
  type RecordContent,
  type RecordDocument,
  sameButForCase,
} from "./record-content.ts";
import { RecordRefused, type RefusalCode } from "./refused.ts";

type Reading = (path: JsonPath) => {
  value: JsonValue | undefined;
  at: string;
  refuse(reason: string, code?: RefusalCode): RecordRefused;
};

/** Undefined where the rows have no media, `none` where this one names none and need not. */
export function mediaOf(
  { media }: Rows,
  { files }: RecordContent,
  document: RecordDocument,
  read: Reading,
): Omit<MediaWanted, "key"> | undefined | "none" {
  if (media === undefined) return undefined;
  const file = media.file === undefined ? files.get(document.path) : named(media.file, media);
  if (file === undefined) return "none";
  const contentType = media.contentType ?? TYPES[extensionOf(file.path)] ?? "application/octet-stream";
  return { file, contentType, ...stated() };

  function named(path: JsonPath, { relativeTo, optional }: { relativeTo: string; optional: boolean }) {
    const { value, refuse } = read(path);
    if (value === undefined || value === null || value === "") {
      if (optional) return undefined;
      throw refuse("it names no file");
    }
    if (typeof value !== "string") throw refuse("a file's path should stand here");
    const path_ =
      relativeTo === "document" ? document.path.slice(0, document.path.lastIndexOf("/") + 1) + value : value;
    if (
      value.startsWith("/") ||
      /[\\\0]|^[A-Za-z]:/.test(value) ||
      value.split("/").some((name) => UP.has(name))
    )
      throw refuse(
        `${JSON.stringify(value.slice(0, 200))} leads out of the record's folder`,
        "ImportNameRefused",
      );
    const found = files.get(path_);
    if (found !== undefined) return found;
    if (optional) return undefined;
    const alike = sameButForCase(files.keys(), path_);
    throw refuse(
      `the file "${path_}" is not there${alike === undefined ? "" : `; "${alike}" is, in other letters`}`,
      "ImportMediaRefused",
    );
  }

  function stated(): { sha256?: string; bytes?: string } {
    const hash = media?.sha256 && read(media.sha256);
    const size = media?.bytes && read(media.bytes);
    if (hash?.value && (typeof hash.value !== "string" || !/^[0-9a-f]{64}$/i.test(hash.value)))
      throw hash.refuse("it is no SHA-256 in hex");
    if (size?.value && !(size.value instanceof JsonNumber && /^\d+$/.test(size.value.text)))
      throw size.refuse("it is no number of bytes");
    return {
      ...(typeof hash?.value === "string" && { sha256: hash.value.toLowerCase() }),
      ...(size?.value instanceof JsonNumber && { bytes: size.value.text }),
    };
  }
}

const UP = new Set(["..", ".", ""]);

/** Stands in a key for a hash that is not known yet. */
const HASH = "\0";

/** The key by the mapping's template; throws `RecordRefused` for a part that would leave its place. */
export function keyOf(
  set: SetLayout,
  row: PlannedRow,
  before: readonly PlannedRow[][],
  layout: readonly SetLayout[],
  { file }: Pick<MediaWanted, "file">,
  place: { content: RecordContent; document: RecordDocument; at: string },
): MediaWanted["key"] {
  const refuse = (reason: string) =>
    new RecordRefused({
      code: "ImportMediaRefused",
      path: `${place.content.folder}${file.path}`,
      at: place.at,
      reason,
    });
  const parts = (set.rows.media?.key.parts ?? []).map((part) => {
    if ("text" in part) return part.text;
    if ("sha256" in part) return HASH;
    const [value, what] = partValue(part);
    const unsafe = value === null || value === undefined ? "nothing stands there" : unsafeInKey(value);
    if (unsafe !== undefined) throw refuse(`its key cannot hold ${what}: ${unsafe}`);
    return value;
  });
  const text = parts.join("");
  const names = text.split("/");
  if (names.some((name) => name === "." || name === ".." || name === ""))
    throw refuse("its key would leave its folder");
  if (Buffer.byteLength(text) > 900) throw refuse("its key would be longer than 900 bytes");
  return { text, takesHash: text.includes(HASH) };

  type Named = Exclude<
    NonNullable<Rows["media"]>["key"]["parts"][number],
    { text: string } | { sha256: true }
  >;

  function partValue(part: Named): [value: string | null | undefined, what: string] {
    if ("star" in part) return [row.document.stars[part.star - 1], `star ${part.star}`];
    if ("file" in part) {
      const name = nameOf(file.path);
      const extension = extensionOf(name);
      const stem = extension === "" ? name : name.slice(0, -extension.length - 1);
      return [{ name, extension, stem }[part.file], `the file's ${part.file}`];
    }
    if (part.row === undefined) return [textOf(set, row, part.column), `"${part.column}"`];
    const of = layout.findIndex(({ name }) => name === part.row);
    const whose = layout[of];
    const parent = ancestor(set, row, of);
    return [whose && parent && textOf(whose, parent, part.column), `"${part.row}.${part.column}"`];
  }

  /** The row of that set from which this one descends; else the record's only one. */
  function ancestor(from: SetLayout, child: PlannedRow, wanted: number): PlannedRow | undefined {
    for (const [index, { set: up }] of from.parents.entries()) {
      const [parent, at] = [layout[up], child.parents[index]];
      const found = at === null || at === undefined ? undefined : before[up]?.[at];
      if (parent === undefined || found === undefined) continue;
      if (up === wanted) return found;
      const further = ancestor(parent, found, wanted);
      if (further !== undefined) return further;
    }
    const all = before[wanted] ?? [];
    return all.length === 1 ? all[0] : undefined;
  }
}

/** The key once the file has been read. */
export function keyWithHash({ text }: MediaWanted["key"], sha256: string): string {
  return text.replaceAll(HASH, sha256);
}

function textOf({ texts }: SetLayout, row: PlannedRow, column: string): string | null | undefined {
  return row.texts[texts.findIndex((one) => one.column === folded(column))];
}

function extensionOf(path: string): string {
  return /[^/]\.([^./]+)$/.exec(path)?.[1] ?? "";
}

const TYPES: Record<string, string> = {
  avif: "image/avif",
  csv: "text/csv",
  docx: "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
  flac: "audio/flac",
  geojson: "application/geo+json",
  gif: "image/gif",
  heic: "image/heic",
  jpeg: "image/jpeg",
  jpg: "image/jpeg",
  json: "application/json",
  m4a: "audio/mp4",
  mov: "video/quicktime",
  mp3: "audio/mpeg",
  mp4: "video/mp4",
  ogg: "audio/ogg",
  pdf: "application/pdf",
  png: "image/png",
  svg: "image/svg+xml",
  tif: "image/tiff",
  tiff: "image/tiff",
  txt: "text/plain; charset=utf-8",
  wav: "audio/wav",
  webm: "video/webm",
  webp: "image/webp",
  xlsx: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
};
