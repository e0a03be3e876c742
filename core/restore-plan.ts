/**
 * From a table of contents to the statements that make a database anew, in their order.
 * Follows pg_restore: RestoreArchive, _tocEntryRestorePass, _printTocEntry and _getObjectDescription of pg_backup_archiver.c.
 */
import type { Archive, ArchiveEntry } from "./archive.ts";
import { RehearsalError } from "./errors.ts";
import { quoteName, quoteQualified } from "./names.ts";

interface RestorePlan {
  /** Settings the definitions rely on: the archive's standard_conforming_strings. */
  settings: ArchiveEntry[];
  /** Made before the data. */
  before: ArchiveEntry[];
  /** Tables to fill. */
  tables: ArchiveEntry[];
  /** Made beside the data, in order: sequences' states, empty large objects and their comments. */
  beside: ArchiveEntry[];
  /** Made after the data: indexes, constraints, triggers, rules, policies. */
  after: ArchiveEntry[];
  /** Rights, when everything they are about is there. */
  rights: ArchiveEntry[];
  /** Materialized views are filled when those rights, which their queries may need, are given. */
  refreshes: ArchiveEntry[];
  /** Event triggers, which would fire on all that came before; pg_restore makes them before the refreshes, which they may forbid. */
  eventTriggers: ArchiveEntry[];
}

/** Sorts the entries into the passes of pg_restore; the order of the archive, which respects dependencies, is kept in each. */
export function planRestore(archive: Archive): RestorePlan {
  const plan: RestorePlan = {
    ...{ settings: [], before: [], tables: [], beside: [], after: [] },
    ...{ rights: [], refreshes: [], eventTriggers: [] },
  };
  const databases = new Set(
    archive.entries.filter((entry) => entry.kind === "DATABASE").map((entry) => entry.id),
  );
  // Comments and the like have no section and follow what they are about, so the place in the archive decides.
  let phase: "before" | "beside" | "after" = "before";
  for (const entry of archive.entries) {
    if (entry.section === "data" && phase === "before") phase = "beside";
    if (entry.section === "post-data") phase = "after";
    if (isAboutDatabase(entry, databases) || LEFT_OUT.has(entry.kind)) continue;
    if (entry.kind === "STDSTRINGS") plan.settings.push(entry);
    else if (entry.kind === "TABLE DATA") plan.tables.push(entry);
    else if (RIGHTS.has(entry.kind)) plan.rights.push(entry);
    else if (entry.kind === "MATERIALIZED VIEW DATA") plan.refreshes.push(entry);
    else if (isAboutEventTrigger(entry)) plan.eventTriggers.push(entry);
    else plan[phase].push(entry);
  }
  return plan;
}

/** The session sets encoding and search_path itself; the bytes of large objects are not in the archive. */
const LEFT_OUT = new Set(["ENCODING", "SEARCHPATH", "DATABASE", "DATABASE PROPERTIES", "BLOBS"]);
const RIGHTS = new Set(["ACL", "DEFAULT ACL"]);

/** These name the database they were dumped from, which is not the one that is restored into. */
function isAboutDatabase(entry: ArchiveEntry, databases: Set<number>): boolean {
  return entry.tag.startsWith("DATABASE ") && entry.dependencies.some((id) => databases.has(id));
}

function isAboutEventTrigger({ kind, tag }: ArchiveEntry): boolean {
  if (kind === "EVENT TRIGGER") return true;
  return (kind === "COMMENT" || kind === "SECURITY LABEL") && tag.startsWith("EVENT TRIGGER ");
}

/** The entry as a person would call it: `TABLE app.users`. */
export function describeEntry({ kind, schema, tag }: ArchiveEntry): string {
  return `${kind} ${schema === undefined ? "" : `${schema}.`}${tag}`;
}

/** The SQL that makes an entry and gives it its owner; empty when there is nothing to do. `entries` finds what it depends on. */
export function entryStatements(entry: ArchiveEntry, entries: ReadonlyMap<number, ArchiveEntry>): string[] {
  if (entry.kind === "BLOB METADATA") return largeObjects(entry);
  if (entry.kind === "ACL" && entry.tag.startsWith("LARGE OBJECTS")) return largeObjectRights(entry, entries);
  const described = ownedAs(entry);
  return [
    // A definition that is only a comment says that initdb makes the object: schema public.
    ...(entry.definition.trim() === "" || /^--[^\n]*\n?$/.test(entry.definition.trim())
      ? []
      : [withoutNullDefaults(entry)]),
    ...(entry.relationKind === "p" && entry.accessMethod !== ""
      ? [`ALTER TABLE ${nameOf(entry)} SET ACCESS METHOD ${quoteName(entry.accessMethod)}`]
      : []),
    ...(entry.owner === "" || entry.drop === "" || described === undefined
      ? []
      : [`ALTER ${described} OWNER TO ${quoteName(entry.owner)}`]),
  ];
}

/**
 * pg_dump writes DEFAULT NULL where a partition or an heir has no default while the table it comes from has one. Postgres keeps that
 * where the column's type is a domain or has a modifier, and a domain's own default is then taken no more. A NULL that somebody chose
 * is written with its type.
 */
function withoutNullDefaults({ kind, definition }: ArchiveEntry): string {
  if (kind === "DEFAULT") return definition.replace(/ SET DEFAULT NULL;\s*$/, " DROP DEFAULT;\n");
  if (kind !== "TABLE" && kind !== "FOREIGN TABLE") return definition;
  return definition.replaceAll(/'(?:[^']|'')*'|"(?:[^"]|"")*"| DEFAULT NULL\b(?!::)/g, (found) =>
    found === " DEFAULT NULL" ? "" : found,
  );
}

const OWNED_BY_NAME = new Set([
  ...["COLLATION", "CONVERSION", "DOMAIN", "EVENT TRIGGER", "FOREIGN DATA WRAPPER", "FOREIGN TABLE"],
  ...[
    "MATERIALIZED VIEW",
    "PROCEDURAL LANGUAGE",
    "PUBLICATION",
    "SCHEMA",
    "SEQUENCE",
    "SERVER",
    "STATISTICS",
  ],
  ...["SUBSCRIPTION", "TABLE", "TEXT SEARCH CONFIGURATION", "TEXT SEARCH DICTIONARY", "TYPE", "VIEW"],
]);
/** Their names need decoration, such as the types of arguments, and the DROP command has it. */
const OWNED_BY_DROP = new Set([
  ...["AGGREGATE", "FUNCTION", "OPERATOR", "OPERATOR CLASS", "OPERATOR FAMILY", "PROCEDURE"],
]);

/** How ALTER … OWNER TO names the object; undefined for what has no owner of its own. */
function ownedAs(entry: ArchiveEntry): string | undefined {
  if (OWNED_BY_NAME.has(entry.kind)) return `${entry.kind} ${nameOf(entry)}`;
  if (entry.kind === "BLOB") return `LARGE OBJECT ${entry.tag}`;
  if (OWNED_BY_DROP.has(entry.kind))
    return entry.drop
      .trim()
      .replace(/^DROP /, "")
      .replace(/;$/, "");
  return undefined;
}

function nameOf({ schema, tag }: ArchiveEntry): string {
  return schema === undefined ? quoteName(tag) : quoteQualified(schema, tag);
}

/** Since 1.16 one entry stands for many large objects of one owner; its definition lists their identifiers. */
export function largeObjectIds(entry: ArchiveEntry): string[] {
  const ids = entry.definition.trim().split(/\s+/);
  if (!ids.every((id) => /^\d{1,10}$/.test(id)))
    throw new RehearsalError("ArchiveUnreadable", { reason: `entry ${entry.id} lists no large objects` });
  return ids;
}

function largeObjects(entry: ArchiveEntry): string[] {
  const ids = largeObjectIds(entry);
  return [
    ids.map((id) => `SELECT pg_catalog.lo_create('${id}')`).join("; "),
    ...(entry.owner === ""
      ? []
      : [ids.map((id) => `ALTER LARGE OBJECT ${id} OWNER TO ${quoteName(entry.owner)}`).join("; ")]),
  ];
}

/** The rights are written for one large object of the group and hold for each. */
function largeObjectRights(entry: ArchiveEntry, entries: ReadonlyMap<number, ArchiveEntry>): string[] {
  const group = entry.dependencies
    .map((id) => entries.get(id))
    .find((found) => found?.kind === "BLOB METADATA");
  if (group === undefined)
    throw new RehearsalError("ArchiveUnreadable", { reason: `entry ${entry.id} is about no large objects` });
  // Roles may be called anything, so quoted names are stepped over.
  return largeObjectIds(group).map((id) =>
    entry.definition.replace(/"(?:[^"]|"")*"|LARGE OBJECT \d+/g, (found) =>
      found.startsWith('"') ? found : `LARGE OBJECT ${id}`,
    ),
  );
}
