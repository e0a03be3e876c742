/**
 * Carries the ledger's rows into the bucket, from where it can be rebuilt: what changed since the last time is read in one
 * snapshot and stored as the next object of a chain.
 */
import { constants, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { sha256 } from "../../core/digest.ts";
import { RehearsalError } from "../../core/errors.ts";
import { brokenPlace, type CopyHead, type CopyLine, copyText, parseCopy } from "../../core/ledger-copy.ts";
import { milestone } from "../milestone.ts";
import type { ObjectStore } from "../object-store.ts";
import type { Session } from "../postgres/session.ts";
import { type CopiedTable, keySql, readCopiedTables, readMarkedRows, tableSql } from "./copied-rows.ts";

/** Marks taken into one object at most, and bytes of rows: what a function of 512 MB carries without noticing. */
const MARKS = 2_000;
const BYTES = 4 * 1024 ** 2;

/** Decompressed, an object is as large as its rows, of which one may stand above the limit. */
const MOST_BYTES = 256 * 1024 ** 2;

/** Quiet marks from which on it is worth to keep only the newest of each row. */
const MANY_QUIET = 200;

/** Objects after which all rows are copied once more, so that a rebuild need not begin years ago. */
const OBJECTS_KEPT = 10_000;

/** Seconds to wait for another who copies: whoever it is goes on to what we have committed. */
const TURN = "5s";

/** The key of an object of the copy: its number with leading zeros, so that a listing is the chain's order. */
export function copyKey(number: number): string {
  return `ledger/${String(number).padStart(12, "0")}.jsonl.zst`;
}

/** The bytes of an object of the copy. */
export function copyObject(head: CopyHead, lines: readonly CopyLine[]): Buffer {
  return zstdCompressSync(copyText(head, lines), { params: { [constants.ZSTD_c_checksumFlag]: 1 } });
}

/** What an object says; throws an Error that tells why when it is none. */
export function readCopyObject(bytes: Uint8Array): ReturnType<typeof parseCopy> {
  return parseCopy(zstdDecompressSync(bytes, { maxOutputLength: MOST_BYTES }).toString());
}

interface CopyState {
  number: number;
  hash: string;
  wholeFrom: number | null;
  wholeBegun: number | null;
  /** The control database's own, as the newest object has it. */
  migration: number;
}

/** How far the copy is. */
export async function readCopyState(session: Session): Promise<CopyState> {
  const [state] = await session.query<CopyState>(
    `select number::float8 as number, hash, whole_from::float8 as "wholeFrom", whole_begun::float8 as "wholeBegun", migration
      from ledger.copies`,
  );
  if (state === undefined) throw new Error("ledger.copies has no row");
  return state;
}

/**
 * Copies what was committed until now; nothing when only quiet changes wait. `whole` is how many objects may be spent on rows
 * that did not change. Safe to be ended anywhere: an object whose marks are still there is found by the next, and stands.
 * Throws `LedgerForgotten` when the bucket knows more than this ledger.
 */
export async function copyChanges(session: Session, store: ObjectStore, { whole = 0 } = {}): Promise<void> {
  for (let left = whole; ; ) {
    if (!(await hasWork(session, left > 0))) return;
    const done = await inTurn(session, () => copyNext(session, store, left > 0));
    if (done === "nothing") return;
    if (done === "whole") left--;
  }
}

/** Begins to copy all rows once more when the copy is not whole, or has grown long since it was. */
export async function renewCopy(session: Session): Promise<void> {
  await inTurn(session, async () => {
    const { number, wholeFrom, wholeBegun } = await readCopyState(session);
    if (wholeBegun !== null || (wholeFrom !== null && number - wholeFrom < OBJECTS_KEPT)) return "nothing";
    await markAll(session, await readCopiedTables(session), "whole");
    return "nothing";
  });
}

/** Has every row copied once more, from the next object on. */
async function markAll(
  session: Session,
  tables: readonly CopiedTable[],
  kind: "whole" | "change",
): Promise<void> {
  for (const table of tables)
    await session.query(
      `insert into ledger.changes (relation, key, kind) select $1, ${keySql(table)}, $2 from ${tableSql(table)} t`,
      [table.name, kind],
    );
  await session.query("update ledger.copies set whole_begun = number + 1");
}

type Done = "nothing" | "changes" | "whole" | "found";

/** One at a time, and each in a snapshot from after its turn came. */
async function inTurn(session: Session, work: () => Promise<Done>): Promise<Done> {
  try {
    return await session.transaction(async () => {
      // Takes no snapshot, unlike a query that waits.
      await session.execute(`set local lock_timeout = '${TURN}'; lock table ledger.copies in exclusive mode`);
      return work();
    }, "begin isolation level repeatable read");
  } catch (error) {
    const { code, facts } = error as RehearsalError;
    // Somebody else is at it, and looks once more before they end.
    if (code === "StatementFailed" && (facts as { sqlstate?: string }).sqlstate === "55P03") return "nothing";
    throw error;
  }
}

/** A look without a turn: most of the time nothing waits. */
async function hasWork(session: Session, whole: boolean): Promise<boolean> {
  const [found] = await session.query<{ work: boolean }>(
    `select exists (select from ledger.changes where kind = 'change')
        or $1 and exists (select from ledger.changes where kind = 'whole')
        or (select count(*) > ${MANY_QUIET} from (select from ledger.changes where kind = 'quiet' limit ${MANY_QUIET + 1}) q) as work`,
    [whole],
  );
  return found?.work ?? false;
}

interface Mark {
  id: string;
  relation: string;
  key: string[];
  kind: "change" | "quiet" | "whole";
}

async function copyNext(session: Session, store: ObjectStore, whole: boolean): Promise<Done> {
  const tables = await readCopiedTables(session);
  await followMigrations(session, tables);
  await forgetOlderQuiet(session);
  const marks = await readMarks(session, whole);
  if (marks.every(({ kind }) => kind === "quiet") && marks.length < MARKS) return "nothing";
  const lines = await readMarkedRows(session, tables, marks, BYTES);
  const state = await readCopyState(session);
  const copied = new Set(lines.map(({ table, key }) => rowName(table, key)));
  // A table that was dropped has marks, and no rows any more.
  const known = new Set(tables.map(({ name }) => name));
  const done = marks.filter(
    ({ relation, key }) => !known.has(relation) || copied.has(rowName(relation, key)),
  );
  const ids = done.map(({ id }) => id);
  const head = await makeHead(session, state, ids);
  const bytes = copyObject(head, lines);
  try {
    await store.putOnce(copyKey(head.number), bytes, { contentType: "application/zstd" });
  } catch (error) {
    if (!(error instanceof RehearsalError) || error.code !== "ObjectConflict") throw error;
    await takeFound(session, store, state);
    return "found";
  }
  milestone("ledger", "copy", "stored");
  const [moved] = await session.query(
    `update ledger.copies set number = $1, hash = $2, whole_from = $3,
        whole_begun = case when $3 is distinct from whole_from then null else whole_begun end,
        event = case when $4 then $5 else event end
      where number = $6 returning number`,
    [head.number, sha256(bytes), head.whole, head.consistent, head.event, state.number],
  );
  // Were it set back, the bucket would know more than the ledger from then on.
  if (moved === undefined) throw new Error("the turn was lost: somebody else has copied meanwhile");
  await session.query("delete from ledger.changes where id = any ($1::bigint[])", [ids]);
  return done.some(({ kind }) => kind === "whole") ? "whole" : "changes";
}

/**
 * A migration may change rows where no trigger hears of it. From the first object after one all rows are there anew, and none of
 * another shape: until the last of them is copied, a rebuild ends before the first.
 */
async function followMigrations(session: Session, tables: readonly CopiedTable[]): Promise<void> {
  const now = await newestMigration(session);
  const { number, migration } = await readCopyState(session);
  if (now === migration) return;
  if (number > 0) {
    await session.query("delete from ledger.changes where kind = 'whole'");
    await markAll(session, tables, "change");
  }
  await session.query("update ledger.copies set migration = $1", [now]);
}

/** The newest of the control database's own. */
export async function newestMigration(session: Session): Promise<number> {
  const [found] = await session.query<{ newest: number }>(
    "select coalesce(max(version), 0) as newest from rehearsal.applied",
  );
  return found?.newest ?? 0;
}

function rowName(relation: string, key: readonly string[]): string {
  return JSON.stringify([relation, ...key]);
}

/** Changes first, the quiet ones with them; rows that did not change only where there is room. */
async function readMarks(session: Session, whole: boolean): Promise<Mark[]> {
  const read = (condition: string, limit: number) =>
    session.query<Mark>(
      `select id, relation, key, kind from ledger.changes where ${condition} order by id limit ${limit}`,
    );
  const changed = await read("kind in ('change', 'quiet')", MARKS);
  const room = MARKS - changed.length;
  return whole && room > 0 ? [...changed, ...(await read("kind = 'whole'", room))] : changed;
}

/** Of many quiet marks of a row the newest is enough. */
async function forgetOlderQuiet(session: Session): Promise<void> {
  await session.query(
    `delete from ledger.changes c where c.kind = 'quiet' and exists (select from ledger.changes n
        where n.relation = c.relation and n.key = c.key and n.kind <> 'whole' and n.id > c.id)`,
  );
}

async function makeHead(session: Session, state: CopyState, done: readonly string[]): Promise<CopyHead> {
  const [found] = await session.query<{
    consistent: boolean;
    whole: boolean;
    event: number;
    sequences: Record<string, string>;
  }>(
    `select not exists (select from ledger.changes where kind in ('change', 'quiet') and not id = any ($1::bigint[])) as consistent,
        not exists (select from ledger.changes where kind = 'whole' and not id = any ($1::bigint[])) as whole,
        (select coalesce(max(seq), 0)::float8 from ledger.events) as event,
        (select coalesce(json_object_agg(sequencename, last_value::text order by sequencename), '{}') from pg_sequences
          where schemaname = 'ledger' and last_value is not null and sequencename <> 'changes_id_seq') as sequences`,
    [done],
  );
  if (found === undefined) throw new Error("a query without a table returned no row");
  return {
    format: "rehearsal-ledger/1",
    number: state.number + 1,
    previous: state.hash,
    at: new Date().toISOString(),
    consistent: found.consistent,
    whole: state.wholeBegun !== null && found.whole ? state.wholeBegun : state.wholeFrom,
    event: found.event,
    migration: state.migration,
    sequences: found.sequences,
  };
}

/**
 * There is an object already: whoever stored it died before the ledger knew. All that is in it is marked still and will be
 * copied again, so it may stand as it is. One that tells of rows which are not marked was written by a ledger that knew more.
 */
async function takeFound(session: Session, store: ObjectStore, state: CopyState): Promise<void> {
  const number = state.number + 1;
  const key = copyKey(number);
  const bytes = await store.get(key);
  const forgotten = (reason: string) => new RehearsalError("LedgerForgotten", { key, reason });
  let found: ReturnType<typeof readCopyObject>;
  try {
    found = readCopyObject(bytes);
  } catch (error) {
    throw forgotten(error instanceof Error ? error.message : String(error));
  }
  const broken = brokenPlace(found.head, { number, previous: state.hash });
  if (broken !== undefined) throw forgotten(broken);
  const [unknown] = await session.query<{ relation: string; key: string[] }>(
    `select l ->> 'table' as relation, l -> 'key' as key from jsonb_array_elements($1::jsonb) l where not exists (
        select from ledger.changes c where c.relation = l ->> 'table' and c.key = l -> 'key') limit 1`,
    [JSON.stringify(found.lines.map(({ table, key }) => ({ table, key })))],
  );
  if (unknown !== undefined)
    throw forgotten(`it has a row of ${unknown.relation} that changed without this ledger's knowledge`);
  // From before a migration it may tell of a table that is gone: no rebuild may begin with it.
  const older = found.head.migration !== state.migration;
  await session.query(
    `update ledger.copies set number = $1, hash = $2,
        whole_begun = case when $3 and whole_begun = $1 then $1 + 1 else whole_begun end`,
    [number, sha256(bytes), older],
  );
}
