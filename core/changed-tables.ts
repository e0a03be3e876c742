/** What has to go from each table of a copy, and what has to come, so that a restored backup becomes a later one. */
import type { BackupManifest, DataObject } from "./backup-manifest.ts";
import { quoteQualified } from "./names.ts";

/** By the key of a table's object, the transaction that wrote its rows: `xmin` of every one of them until somebody changes it. */
export type Writers = Record<string, string>;

/** A table, or several that are loaded through the one they are partitions of, and what changed of it. */
export interface Change {
  /** Of the table that is loaded into. */
  name: string;
  copyInto: string;
  /** The transactions whose rows go; null when all rows do. */
  writers: string[] | null;
  /** How many rows go. */
  gone: number;
  come: DataObject[];
  /** False when rows go to other tables than the one that is loaded into. */
  direct: boolean;
}

/** The tables that differ; throws where a part must go of which `writers` says nothing. */
export function findChanges(before: BackupManifest, now: BackupManifest, writers: Writers): Change[] {
  const old = Map.groupBy(before.data, ({ copyInto }) => copyInto);
  const young = Map.groupBy(now.data, ({ copyInto }) => copyInto);
  return [...new Set([...old.keys(), ...young.keys()])].flatMap((copyInto): Change[] => {
    const [was, is] = [old.get(copyInto) ?? [], young.get(copyInto) ?? []];
    const name = loadedInto(copyInto);
    const direct = [...was, ...is].every(({ table }) => table === name);
    const stays = new Set(
      direct ? is.map(({ key }) => key).filter((key) => was.some((o) => o.key === key)) : [],
    );
    const [go, come] = [was, is].map((objects) => objects.filter(({ key }) => !stays.has(key))) as [
      DataObject[],
      DataObject[],
    ];
    const same = !direct && JSON.stringify(was.map(keyOf)) === JSON.stringify(is.map(keyOf));
    if (same || (go.length === 0 && come.length === 0)) return [];
    const known = go.map(({ key }) => writers[key]).filter((writer) => writer !== undefined);
    const gone = go.reduce((sum, { rows }) => sum + rows, 0);
    const some = stays.size > 0 ? known : null;
    if (some !== null && known.length < go.length)
      throw new Error(`nobody knows who wrote a part of ${name}`);
    return [{ name, copyInto, writers: some, gone, come, direct }];
  });
}

function keyOf({ key }: DataObject): string {
  return key;
}

/** The quoted qualified name in `COPY name (columns) FROM stdin`. */
function loadedInto(copyInto: string): string {
  const part = /"(?:[^"]|"")*"|[^"\s(),.]+/y;
  const names: string[] = [];
  for (let at = "COPY ".length; ; ) {
    part.lastIndex = at;
    const [found = ""] = part.exec(copyInto) ?? [];
    names.push(found.startsWith('"') ? found.slice(1, -1).replaceAll('""', '"') : found);
    at += found.length;
    if (copyInto[at] !== ".") break;
    at += 1;
  }
  const [schema = "", table = ""] = names;
  return quoteQualified(schema, table);
}
