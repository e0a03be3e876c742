/**
 * What of a restore is done, kept in the half-made database itself: each mark is written in the transaction of what it tells of, so
 * that neither is ever there without the other. It goes when all is made, and whoever looks then finds a database like its source.
 */
import { type BackupManifest, manifestDigest } from "../../core/backup-manifest.ts";
import type { Writers } from "../../core/changed-tables.ts";
import { RehearsalError } from "../../core/errors.ts";
import { quoteLiteral, quoteName } from "../../core/names.ts";
import type { Session } from "./session.ts";

/** What has come to stay: an object's rows, or an entry of the table of contents. */
type Kept = "object" | "entry";

/** Told when something has come to stay. */
export type OnKept = (what: Kept) => void;

export class RestoreRecord {
  #schema: string;
  #writers: Writers;
  #entries: Set<string>;
  #onKept: OnKept | undefined;

  private constructor(schema: string, done: Done[], onKept: OnKept | undefined) {
    const of = (kind: Kept) => done.filter((one) => one.kind === kind);
    this.#schema = schema;
    this.#writers = Object.fromEntries(of("object").map(({ id, writer }) => [id, writer]));
    this.#entries = new Set(of("entry").map(({ id }) => id));
    this.#onKept = onKept;
  }

  /**
   * The record of a restore of that manifest into the session's database, which has not ended; undefined where there is none that can
   * be believed: none was begun, it died before all was made that rows need, it has ended, or the server's crash emptied the record.
   */
  static async find(
    session: Session,
    manifest: BackupManifest,
    onKept?: OnKept,
  ): Promise<RestoreRecord | undefined> {
    const schema = schemaFor(manifest);
    try {
      const [there] = await session.query<{ is: boolean }>("select to_regclass($1) is not null as is", [
        `${schema}.done`,
      ]);
      if (there?.is !== true) return undefined;
      const done = await session.query<Done>(
        `select kind, id, writer::text as writer from ${schema}.done where kind in ('begun', 'object', 'entry')`,
      );
      const believed = done.some(({ kind, id }) => kind === "begun" && id === VERSION);
      return believed ? new RestoreRecord(schema, done, onKept) : undefined;
    } catch (error) {
      // Somebody else's hand was in it.
      if (error instanceof RehearsalError && error.code === "StatementFailed") return undefined;
      throw error;
    }
  }

  /** Begins one, when all is made that rows need. */
  static async begin(session: Session, manifest: BackupManifest, onKept?: OnKept): Promise<RestoreRecord> {
    const schema = schemaFor(manifest);
    // A server that crashes empties unlogged tables: what was loaded into them, and with it then the record of everything.
    const [lossy] = await session.query("select from pg_class where relpersistence = 'u' limit 1");
    await session.execute(
      `create schema ${schema};
       create ${lossy === undefined ? "" : "unlogged "}table ${schema}.done (kind text, id text,
         writer xid not null default pg_current_xact_id()::xid, primary key (kind, id));
       insert into ${schema}.done values ('begun', ${quoteLiteral(VERSION)})`,
    );
    return new RestoreRecord(schema, [], onKept);
  }

  /** By the key of an object that is loaded, the transaction that did it. */
  get writers(): Readonly<Writers> {
    return this.#writers;
  }

  hasEntry(id: number): boolean {
    return this.#entries.has(String(id));
  }

  /** A query that marks an object as loaded by the transaction it runs in, and gives that transaction's number. */
  markObject(key: string): string {
    return `${this.#mark("object", key)} returning writer`;
  }

  /** A statement that marks an entry as made, for the transaction that makes it. */
  markEntry(id: number): string {
    return this.#mark("entry", String(id));
  }

  /** To be told when the mark's transaction has committed. */
  tell(what: Kept): void {
    this.#onKept?.(what);
  }

  /** Writes that nothing is missing but the event triggers, and that the record goes. */
  async noteFilled(session: Session): Promise<void> {
    await session.execute(
      `insert into ${this.#schema}.done (kind, id) values ('filled', '') on conflict (kind, id) do update set writer = excluded.writer`,
    );
  }

  /** Takes the record away; inside the caller's transaction. */
  async end(session: Session): Promise<void> {
    await session.execute(`drop table ${this.#schema}.done; drop schema ${this.#schema}`);
  }

  #mark(kind: Kept, id: string): string {
    return `insert into ${this.#schema}.done (kind, id) values ('${kind}', ${quoteLiteral(id)})`;
  }
}

interface Done {
  kind: string;
  id: string;
  writer: string;
}

/** Of what marks mean: those of another are not believed. */
const VERSION = "rehearsal-restore/1";

/** Named after the manifest, so that nothing in the backup is called the same. */
function schemaFor(manifest: BackupManifest): string {
  return quoteName(`rehearsal_restore_${manifestDigest(manifest).slice(0, 32)}`);
}
