/** graphile-migrate: `committed/000001-what.sql`, each holding the hash of itself and of the one before. */
import { createHash } from "node:crypto";
import { RehearsalError } from "../errors.ts";
import { readSqlSource } from "../sql-source.ts";
import { type Format, type FormatFile, type FoundMigration, fileName, inside } from "./format.ts";
import { refusePlaceholders } from "./markers.ts";
import { compareBytes, sortVersions } from "./versions.ts";

export const graphileMigrate: Format = {
  layout: {
    folder: "migrations",
    file: /^(?:committed\/\d{6,}[^/]*\.sql|current\.sql|current\/.+|fixtures\/.+|afterReset\.sql)$/s,
    entries: ["committed", "current.sql", "current", "fixtures", "afterReset.sql"],
    deep: true,
    wanted: "graphile-migrate's committed/000001-what-it-does.sql and current.sql",
  },
  outside: 'begins with "--! no-transaction" below its headers',
  read(files, folder) {
    const committed = files.filter(({ path }) => inside(folder, path).startsWith("committed/"));
    const found = committed.map(readOne);
    const sorted = sortVersions("graphile-migrate", found, (a, b) => compareBytes(a.key, b.key));
    let previous: string | null = null;
    for (const migration of sorted) previous = provenHash(migration, previous);
    const notes = files
      .filter((file) => /^current(?:\.sql$|\/)/.test(inside(folder, file.path)) && holdsText(file))
      .map(({ path }) => `${path} is left out: it is not committed`);
    return { migrations: sorted, repeatables: [], notes };
  },
  next: { tool: "graphile-migrate commit" },
};

interface Committed extends FoundMigration {
  headers: Map<string, string>;
  body: string;
}

/** The hash that graphile-migrate records of a migration, as its header has it. */
export function headerHash(text: string): string | undefined {
  return takeApart(text).headers.get("Hash");
}

function readOne({ path, bytes }: FormatFile): Committed {
  const source = readSqlSource(path, bytes);
  const [, digits = "", words = ""] = /^(\d+)-?(.*)\.sql$/s.exec(fileName(path)) ?? [];
  const { headers, body, bodyStart } = takeApart(source.sql);
  refusePlaceholders(source, /:DATABASE_(?:NAME|OWNER)\b/);
  const said = /^\s*--!\s*no-transaction\b/.test(source.sql.slice(bodyStart));
  return {
    key: digits,
    name: words || digits,
    source,
    transaction: said ? "none" : "one",
    headers,
    body,
  };
}

/** Headers are the first lines that begin with `--! ` and a capital letter; the rest is the body. */
function takeApart(text: string) {
  const headers = new Map<string, string>();
  let at = 0;
  for (;;) {
    const line = /^--! ([A-Z][a-zA-Z0-9_]*)(?::([^\n]*))?(?:\n|$)/.exec(text.slice(at));
    if (line === null) break;
    headers.set(line[1] ?? "", (line[2] ?? "").trim());
    at += line[0].length;
  }
  return { headers, body: `${text.slice(at).trim()}\n`, bodyStart: at };
}

/** Throws `SequenceBroken` unless the migration follows the one before and is as it was committed. */
function provenHash({ source, headers, body }: Committed, previous: string | null): string {
  const refuse = (problem: string) =>
    new RehearsalError("SequenceBroken", {
      format: "graphile-migrate",
      path: source.path,
      line: 1,
      problem,
      mend: "bring the committed files back as graphile-migrate commit wrote them, and put changes into a new one",
    });
  const [named, hash] = [headers.get("Previous"), headers.get("Hash")];
  if (named === undefined || hash === undefined) throw refuse("it has no Previous and Hash in its headers");
  if ((named === "-" ? null : named) !== previous)
    throw refuse(`it follows ${named}, and the one before it is ${previous ?? "none"}`);
  const algorithm = hash.slice(0, hash.indexOf(":"));
  if (algorithm !== "sha1") throw refuse(`its hash is made by "${algorithm}", which is not known`);
  const made = `sha1:${createHash("sha1")
    .update(`${`${previous ?? ""}\n${body.trim()}`.trim()}\n`)
    .digest("hex")}`;
  if (made !== hash && !headers.has("AllowInvalidHash"))
    throw refuse(`it was edited after it was committed: its hash is ${made}, its header says ${hash}`);
  return hash;
}

function holdsText({ bytes }: FormatFile): boolean {
  return Buffer.from(bytes)
    .toString("utf8")
    .split("\n")
    .some((line) => line.trim() !== "" && !line.trim().startsWith("--"));
}
