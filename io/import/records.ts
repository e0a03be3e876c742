/** Files in order, put together by the records whose folders they lie in. */
import { foldedName, unsafeName } from "../../core/import/file-name.ts";
import type { ImportMapping } from "../../core/import/mapping.ts";
import type { SourceFile, SourceOddity } from "./source.ts";

export interface FoundRecord {
  /** From the source's top, with a slash at its end. */
  folder: string;
  /** By their paths from the source's top, in order. */
  files: SourceFile[];
  /** The first thing in it that no record may hold. */
  odd: SourceOddity | undefined;
}

/** A file that is in no record's folder. */
export interface Stray {
  stray: string;
  reason: string;
}

/** One record after the other; of each only its own files are in memory, and no more of them than the mapping's limit. */
export async function* recordsOf(
  mapping: ImportMapping,
  listed: AsyncIterable<SourceFile | SourceOddity>,
): AsyncGenerator<FoundRecord | Stray> {
  const { folders } = mapping.records;
  let current: FoundRecord | undefined;
  let folded = new Map<string, string>();
  for await (const entry of listed) {
    const folder = entry.path.split("/").slice(0, folders.depth).join("/");
    if (`${folder}/` !== current?.folder) {
      if (current !== undefined) yield current;
      current = undefined;
      folded = new Map();
      if (entry.path.length === folder.length || folders.match(folder) === undefined) {
        yield { stray: entry.path, reason: strayReason(entry, entry.path.length > folder.length) };
        continue;
      }
      current = { folder: `${folder}/`, files: [], odd: undefined };
    }
    current.odd ??= oddityOf(entry, current, mapping, folded);
    if (current.odd === undefined && "size" in entry) current.files.push(entry);
  }
  if (current !== undefined) yield current;
}

function strayReason(entry: SourceFile | SourceOddity, inFolder: boolean): string {
  if ("odd" in entry) return entry.odd;
  return (
    unsafeName(entry.path) ??
    (inFolder ? "its folder is none that the mapping calls a record" : "it lies in no record's folder")
  );
}

function oddityOf(
  entry: SourceFile | SourceOddity,
  { files }: FoundRecord,
  { limits }: ImportMapping,
  folded: Map<string, string>,
): SourceOddity | undefined {
  const { path } = entry;
  const unsafe = unsafeName(path);
  if (unsafe !== undefined) return { path, odd: unsafe };
  if ("odd" in entry) return entry;
  if (files.length >= limits.files) return { path, odd: `its record has more than ${limits.files} files` };
  const name = foldedName(path);
  const before = folded.get(name);
  folded.set(name, path);
  return before === undefined
    ? undefined
    : { path, odd: `its name is that of "${before}", but for the case of its letters` };
}
