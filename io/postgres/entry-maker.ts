/** Makes the entries of a table of contents in a database, one by one: a whole script in one go would need a lock for each and run out of them. */
import type { Archive, ArchiveEntry } from "../../core/archive.ts";
import type { BackupManifest } from "../../core/backup-manifest.ts";
import { RehearsalError } from "../../core/errors.ts";
import { quoteLiteral, quoteName } from "../../core/names.ts";
import { describeEntry, entryStatements } from "../../core/restore-plan.ts";
import type { RestoreRecord } from "./restore-record.ts";
import type { Session } from "./session.ts";

/** The server ends one of those in a deadlock, and the others go on: after a few turns all of them are through. */
const DEADLOCK_TRIES = 10;

/** What entries are made by. */
type Executor = Pick<Session, "address"> & { execute(sql: string): Promise<unknown> };

export class EntryMaker {
  #session: Executor;
  #entries: ReadonlyMap<number, ArchiveEntry>;
  /** By name in the archive, the name on the target; of those that the target has. */
  #tablespaces: ReadonlyMap<string, string>;
  /** By extension, the version the source had; only those the target can install. */
  #versions: ReadonlyMap<string, string>;
  #record: RestoreRecord | undefined;
  #tablespace = "";
  #accessMethod = "";

  private constructor(
    session: Executor,
    entries: ReadonlyMap<number, ArchiveEntry>,
    tablespaces: ReadonlyMap<string, string>,
    versions: ReadonlyMap<string, string>,
  ) {
    this.#session = session;
    this.#entries = entries;
    this.#tablespaces = tablespaces;
    this.#versions = versions;
  }

  /** Looks what the target has to offer. `tablespaces` are those of the archive's that the target has, and what they are called there. */
  static async open(
    session: Session,
    archive: Archive,
    manifest: BackupManifest,
    tablespaces: ReadonlyMap<string, string>,
  ): Promise<EntryMaker> {
    const available = await session.query<{ name: string; version: string }>(
      "select name, version from pg_available_extension_versions",
    );
    const offered = new Set(available.map(({ name, version }) => `${name} ${version}`));
    const versions = manifest.extensions.filter(({ name, version }) => offered.has(`${name} ${version}`));
    return new EntryMaker(
      session,
      new Map(archive.entries.map((entry) => [entry.id, entry])),
      tablespaces,
      new Map(versions.map(({ name, version }) => [name, version])),
    );
  }

  /** Another of the same archive and target, through a session of its own. */
  beside(session: Executor): EntryMaker {
    return new EntryMaker(session, this.#entries, this.#tablespaces, this.#versions);
  }

  /** From now on each entry is made with its mark, or without one again; what is marked already is passed over. */
  keep(record: RestoreRecord | undefined): void {
    this.#record = record;
  }

  /** Throws at the first entry the server refuses: `PermissionMissing`, `RestoreRefused` or `DatabaseUnreachable`. */
  async makeAll(entries: ArchiveEntry[]): Promise<void> {
    for (const entry of entries) await this.make(entry);
  }

  /** Throws as `makeAll` does. */
  async make(entry: ArchiveEntry): Promise<void> {
    const record = this.#record;
    if (record?.hasEntry(entry.id)) return;
    const statements = entryStatements(entry, this.#entries).map((one) => this.#pinVersion(entry, one));
    try {
      await this.#place(entry);
      if (record === undefined) for (const statement of statements) await this.#execute(statement);
      else if (statements.length > 0) {
        // Sent together they are one transaction.
        await this.#execute([...statements, record.markEntry(entry.id)].join("\n;\n"));
        record.tell("entry");
      }
    } catch (error) {
      throw refusal(error, entry, this.#session.address.user);
    }
  }

  /** The schedule keeps apart what locks the same tables; what functions of the database lock besides, nobody knows before. */
  async #execute(statement: string): Promise<void> {
    for (let tries = 1; ; tries++) {
      try {
        await this.#session.execute(statement);
        return;
      } catch (error) {
        if (tries === DEADLOCK_TRIES || !isDeadlock(error)) throw error;
      }
    }
  }

  /** A tablespace belongs to the server; where it is missing its tables go to the default one. */
  async #place({ tablespace, accessMethod, relationKind }: ArchiveEntry): Promise<void> {
    const wanted = this.#tablespaces.get(tablespace) ?? "";
    if (wanted !== this.#tablespace) {
      await this.#session.execute(`set default_tablespace = ${wanted === "" ? "''" : quoteName(wanted)}`);
      this.#tablespace = wanted;
    }
    // A partitioned table is given its method by an ALTER; the setting would be taken for its own choice.
    if (accessMethod === "" || relationKind === "p" || accessMethod === this.#accessMethod) return;
    await this.#session.execute(`set default_table_access_method = ${quoteName(accessMethod)}`);
    this.#accessMethod = accessMethod;
  }

  /** The archive installs whatever version is the target's default; the source's own is wanted, where the target has it. */
  #pinVersion(entry: ArchiveEntry, statement: string): string {
    const version = entry.kind === "EXTENSION" ? this.#versions.get(entry.tag) : undefined;
    if (version === undefined || !statement.startsWith("CREATE EXTENSION ")) return statement;
    return statement.trim().replace(/;$/, ` VERSION ${quoteLiteral(version)}`);
  }
}

function isDeadlock(error: unknown): boolean {
  if (!(error instanceof RehearsalError) || error.code !== "StatementFailed") return false;
  return (error.facts as { sqlstate: string }).sqlstate === "40P01";
}

function refusal(error: unknown, entry: ArchiveEntry, user: string): unknown {
  const refused = error instanceof RehearsalError ? refusedFor(error) : undefined;
  if (refused === undefined) return error;
  const { sqlstate, reason } = refused;
  if (sqlstate === "42501")
    return new RehearsalError(
      "PermissionMissing",
      { role: user, right: `to restore ${describeEntry(entry)}: ${reason}` },
      { cause: error },
    );
  return new RehearsalError(
    "RestoreRefused",
    { entry: describeEntry(entry), sqlstate, reason },
    { cause: error },
  );
}

/** What the server had against the statement; undefined when it was not the server, or not the statement. */
function refusedFor({ code, facts }: RehearsalError): { sqlstate: string; reason: string } | undefined {
  if (code === "StatementFailed") return facts as { sqlstate: string; reason: string };
  // A session for bulk tells of a missing right by its own name.
  if (code === "PermissionMissing") return { sqlstate: "42501", reason: (facts as { right: string }).right };
  return undefined;
}
