/** Drizzle: `0000_what.sql` in the order of `meta/_journal.json`, statements parted by breakpoints. */
import * as z from "zod";
import { RehearsalError } from "../errors.ts";
import { readSqlSource, type SqlSource } from "../sql-source.ts";
import { type Format, type FormatFile, type FoundMigration, inside } from "./format.ts";
import { markers } from "./markers.ts";

export const DRIZZLE_JOURNAL = "meta/_journal.json";

export const drizzle: Format = {
  layout: {
    folder: "drizzle",
    file: /^(?:meta\/[^/]+\.json|[^/]+\.sql)$/s,
    deep: true,
    wanted: "Drizzle's migrations, NAME.sql, and its meta/_journal.json",
  },
  outside: 'begins with "-- rehearsal: no-transaction", which Drizzle passes over',
  read(files, folder) {
    const journal = files.find(({ path }) => inside(folder, path) === DRIZZLE_JOURNAL);
    const entries = journal === undefined ? [] : entriesOf(journal);
    const sql = new Map(
      files.filter(({ path }) => path.endsWith(".sql")).map((file) => [inside(folder, file.path), file]),
    );
    const migrations = entries.map(({ tag }) => {
      const file = sql.get(`${tag}.sql`);
      if (file === undefined)
        throw broken(
          journal?.path ?? "",
          `it lists "${tag}", and there is no ${tag}.sql`,
          "bring the file back, or drop the entry with drizzle-kit drop",
        );
      return readOne(tag, readSqlSource(file.path, file.bytes));
    });
    const listed = new Set(entries.map(({ tag }) => `${tag}.sql`));
    const unlisted = [...sql.keys()].find((name) => !listed.has(name));
    if (unlisted !== undefined)
      throw broken(
        sql.get(unlisted)?.path ?? unlisted,
        `${DRIZZLE_JOURNAL} does not list it, so Drizzle never runs it`,
        "make it with drizzle-kit generate --custom, which writes the journal, or remove it",
      );
    return { migrations, repeatables: [], notes: journalNotes(entries) };
  },
  next: { tool: "drizzle-kit generate --custom" },
};

const journalSchema = z.looseObject({
  dialect: z.string().optional(),
  entries: z.array(z.looseObject({ idx: z.int(), tag: z.string().min(1), when: z.number() })),
});

type Entry = z.infer<typeof journalSchema>["entries"][number];

/** The journal's entries, which Drizzle runs in the order in which they stand. */
export function entriesOf({ path, bytes }: FormatFile): Entry[] {
  const { sql } = readSqlSource(path, bytes);
  let value: unknown;
  try {
    value = JSON.parse(sql);
  } catch (cause) {
    throw broken(path, "it is not JSON", "bring it back as drizzle-kit wrote it", cause);
  }
  const parsed = journalSchema.safeParse(value);
  if (!parsed.success)
    throw broken(path, z.prettifyError(parsed.error), "bring it back as drizzle-kit wrote it");
  const { dialect, entries } = parsed.data;
  if (dialect !== undefined && dialect !== "postgresql" && dialect !== "pg")
    throw broken(
      path,
      `the migrations were written for "${dialect}", not for Postgres`,
      'name the folder of those for Postgres as "migrations" in rehearsal.yaml',
    );
  const tags = new Set<string>();
  for (const { tag } of entries) {
    if (tags.has(tag)) throw broken(path, `it lists "${tag}" twice`, "drop one of the entries");
    tags.add(tag);
  }
  return entries;
}

function journalNotes(entries: readonly Entry[]): string[] {
  for (const [index, { tag, when }] of entries.entries()) {
    const before = entries[index - 1];
    if (before !== undefined && when <= before.when)
      return [
        `${tag} is not younger than ${before.tag} by the journal: where the latter is applied, Drizzle never runs it`,
      ];
  }
  return [];
}

function readOne(tag: string, source: SqlSource): FoundMigration {
  return {
    key: tag,
    name: tag.replace(/^\d+_/, ""),
    source: { ...source, sql: withEnds(source.sql) },
    transaction: "one",
  };
}

/** A breakpoint ends a statement: where it stands a semicolon is put, for the one before may lack it. */
function withEnds(sql: string): string {
  let text = sql;
  for (const { start, end } of markers(sql, /^--> statement-breakpoint/, { first: false }))
    text = `${text.slice(0, start)};${" ".repeat(end - start - 1)}${text.slice(end)}`;
  return text;
}

function broken(path: string, problem: string, mend: string, cause?: unknown): RehearsalError {
  return new RehearsalError("SequenceBroken", { format: "drizzle", path, line: 1, problem, mend }, { cause });
}
