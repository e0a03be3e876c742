/** What an earlier backup is worth: whether it can be believed here and now, and how the rows written since are known. */
import type { Archive } from "../../core/archive.ts";
import type { BackupManifest } from "../../core/backup-manifest.ts";
import { quoteQualified } from "../../core/names.ts";
import type { ObjectStore } from "../object-store.ts";
import { readDatabase, readMoment, readServer, readTypesDigest } from "./backup-facts.ts";
import { readHeaps } from "./heaps.ts";
import { reading } from "./reading.ts";
import type { Session } from "./session.ts";

/** Row versions carry 32 of a transaction's 64 bits: behind so many transactions an old one could pass for a new one, and the other way round. */
const FAR = 2n ** 31n - 10_000_000n;

/** Where a snapshot stands in the history of its server. */
type Moment = Pick<BackupManifest["snapshot"], "transactions" | "lsn">;

/**
 * The base, or undefined where its word cannot be taken: it is of another server, timeline or database, of a standby, of a log that
 * is ahead of this one, of too many transactions ago, or enums or extensions have changed since and with them how values read. Nor
 * where the server was started since or has crashed: it may go on from an older copy of its files, or have lost commits that were
 * not yet on disk, and give the numbers of transactions that the base saw to others.
 */
export async function usableBase(
  holder: Session,
  base: BackupManifest | undefined,
  now: Pick<BackupManifest, "server" | "database" | "types"> & { snapshot: Moment },
): Promise<BackupManifest | undefined> {
  if (base === undefined) return undefined;
  const { system, timeline } = now.server;
  const sameHistory =
    timeline !== null &&
    base.server.system === system &&
    base.server.timeline === timeline &&
    base.server.runningSince === now.server.runningSince &&
    base.database.oid === now.database.oid &&
    base.database.encoding === now.database.encoding &&
    base.types === now.types;
  if (!sameHistory) return undefined;
  const [row] = await holder.query<{ later: boolean }>("select $1::pg_lsn <= $2::pg_lsn as later", [
    base.snapshot.lsn,
    now.snapshot.lsn,
  ]);
  const passed = nextTransaction(now) - BigInt(oldestUnseen(base));
  return row?.later === true && passed >= 0n && passed < FAR ? base : undefined;
}

/**
 * The oldest transaction whose end the backup's snapshot did not see, as a 64-bit number. Every row version written since has this
 * one's number or a larger one. Not only those the snapshot lists: it does not list subtransactions.
 */
export function oldestUnseen({ snapshot }: { snapshot: Moment }): string {
  return snapshot.transactions.split(":")[0] ?? "";
}

function nextTransaction({ snapshot }: { snapshot: Moment }): bigint {
  return BigInt(snapshot.transactions.split(":")[1] ?? "0");
}

/**
 * Selects how many rows there are, and how many of them were written by `since` or a later transaction. When the first is what it
 * was and the second is none, the rows are the same: each was there then, and as many as then are here. Numbers ahead of the
 * newest belong to rows frozen billions of transactions ago. Whoever asks must have proved that `since` is near enough (`usableBase`).
 */
export function selectYoung(table: string, since: string, condition = "true"): string {
  const number = BigInt(since) % 2n ** 32n;
  return `select count(*), count(*) filter (where age(xmin) between 0 and age('${number}'::xid)) from only ${table} where ${condition}`;
}

/** Whether every object that the backup names is in the store with its size: a later backup promises those that it takes over. */
export async function isWhole(
  store: ObjectStore,
  { toc, data, largeObjects }: BackupManifest,
): Promise<boolean> {
  const named = [toc, ...data, ...largeObjects];
  const sizes = new Map<string, number>();
  const folders = new Set(named.map(({ key }) => key.slice(0, key.lastIndexOf("/") + 1)));
  for (const folder of folders) {
    const within = [...folders].some((other) => other !== folder && folder.startsWith(other));
    if (within) continue;
    for await (const { key, size } of store.list(folder)) sizes.set(key, size);
  }
  return named.every(({ key, size }) => sizes.get(key) === size);
}

/**
 * Whether the base's archive still says all that is said of large objects: owners, rights, comments and labels, of which no shape speaks.
 * There must be as many large objects as then. A comment that was taken away leaves no row that is young: they are counted as well.
 */
export async function sameRights(holder: Session, base: BackupManifest, archive: Archive): Promise<boolean> {
  const since = oldestUnseen(base);
  const young = (table: string, condition?: string) => selectYoung(`pg_catalog.${table}`, since, condition);
  const ofObjects = "classoid = 'pg_largeobject'::pg_catalog.regclass";
  const said = (kind: string) =>
    archive.entries.filter((entry) => entry.kind === kind && entry.tag.startsWith("LARGE OBJECT ")).length;
  const [row] = await holder.query<{ same: boolean }>(
    `select metadata.young = 0 and (comments.young, labels.young) = (0, 0) and (comments.rows, labels.rows) = ($1, $2) as same
      from (${young("pg_largeobject_metadata")}) metadata(rows, young),
        (${young("pg_description", ofObjects)}) comments(rows, young), (${young("pg_seclabel", ofObjects)}) labels(rows, young)`,
    [said("COMMENT"), said("SECURITY LABEL")],
  );
  return row?.same === true;
}

/**
 * The tables, by quoted qualified name, that hold to the bit what they held in the backup: not written anew, no column changed, no
 * row written since and none gone. A table that is not named may still hold the same: ask its rows.
 */
export async function findUntouched(session: Session, manifest: BackupManifest): Promise<Set<string>> {
  // Under one snapshot: what is committed between planning and reading would be ahead of the number that ages are counted from.
  return reading(session, async () => {
    const untouched = new Set<string>();
    const now = {
      server: await readServer(session),
      database: await readDatabase(session),
      snapshot: await readMoment(session),
      types: await readTypesDigest(session),
    };
    if ((await usableBase(session, manifest, now)) === undefined) return untouched;
    const rows = new Map<number, number>();
    for (const object of manifest.data) rows.set(object.tocId, (rows.get(object.tocId) ?? 0) + object.rows);
    const kept = manifest.tables.flatMap(({ heap, ...table }) => (heap === null ? [] : [{ ...table, heap }]));
    const heaps = await readHeaps(
      session,
      kept.map(({ heap }) => heap.oid),
    );
    const names = await readNames(session);
    for (const { tocId, name, heap } of kept) {
      const found = heaps.get(heap.oid)?.heap;
      if (found?.filenode !== heap.filenode || found.definition !== heap.definition) continue;
      // Its name may be another table's by now.
      if (names.get(heap.oid) !== name) continue;
      const [sum] = await session.query<{ all: string; young: string }>(
        `select * from (${selectYoung(name, oldestUnseen(manifest))}) as sums("all", young)`,
      );
      if (sum?.young === "0" && Number(sum.all) === (rows.get(tocId) ?? 0)) untouched.add(name);
    }
    return untouched;
  });
}

async function readNames(session: Session): Promise<Map<number, string>> {
  const found = await session.query<{ oid: number; schema: string; name: string }>(
    `select c.oid::int8::float8 as oid, n.nspname::text as schema, c.relname::text as name
      from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.relkind = 'r'`,
  );
  return new Map(found.map(({ oid, schema, name }) => [oid, quoteQualified(schema, name)]));
}
