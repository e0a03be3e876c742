/**
 * A database made from a backup, believed only when it holds the same: of a promotion's steps, and of tasks. What an attempt has made of
 * it and could not end the next one goes on with; what of that is in doubt is dropped and begun anew.
 */
import type { BackupManifest } from "../core/backup-manifest.ts";
import type { Writers } from "../core/changed-tables.ts";
import type { DatabaseAddress } from "../core/database-url.ts";
import { RehearsalError } from "../core/errors.ts";
import { ownerOfScratch } from "../core/leftovers.ts";
import type { Progress } from "../core/progress.ts";
import type { HalfMade } from "../io/ledger/half-made.ts";
import type { ObjectStore } from "../io/object-store.ts";
import {
  carryDatabaseProperties,
  closeToPublic,
  createDatabase,
  dropScratch,
  findDatabase,
  letOwnLoginIn,
  moveDatabase,
  readDatabaseFacts,
  turnOwnLoginAway,
} from "../io/postgres/databases.ts";
import { restore } from "../io/postgres/restore.ts";
import { RestoreRecord } from "../io/postgres/restore-record.ts";
import { openSession, type Session } from "../io/postgres/session.ts";
import { endSessionsOfOlder } from "./older-attempts.ts";

/** Whose copy it is, and of what. */
export interface CopyOrder {
  /** The promotion or task: databases that are called by it and are no other's are its own. */
  id: string;
  /** How the names of its attempts' sessions begin; an attempt's number follows. */
  sessions: string;
  attempt: number;
  application: string;
  /** What the database is to be called: no two attempts' are called the same. */
  name: string;
  /** With its password; of whichever database. */
  address: DatabaseAddress;
  maintenance: Session;
  /** The database beside which it is made, where that is there: whoever may not enter it may not enter the copy. */
  original: number | undefined;
  store: ObjectStore;
  manifest: BackupManifest;
  /** Of the manifest. */
  digest: string;
  connections: number;
  /** By the name of a tablespace in the backup, the one to take its place. */
  tablespaces?: Readonly<Record<string, string>>;
  /** Databases of its own that stay: none when left out. */
  besides?: readonly number[];
  /** What an earlier attempt has left. */
  left: HalfMade | null | undefined;
  /** Writes to the ledger what the next attempt would go on with. */
  note(half: HalfMade | null): Promise<void>;
  /** Keeps who wrote the rows, where anybody will ask; returns where. An attempt makes two copies at most, the second one `anew`. */
  keepWriters?(writers: Writers, anew: boolean): Promise<string>;
  /** What is wrong with it, in words. */
  prove(copy: Session): Promise<string[]>;
  /** Runs the work while no later attempt can begin. */
  asNewest<T>(work: () => Promise<T>): Promise<T>;
  passed(point: string): void;
  progress(progress: Progress): void;
  /** Told when something has come to stay: another attempt has less to do. */
  kept(): void;
}

export interface ProvedCopy {
  oid: number;
  name: string;
  /** From its beginning until it was proved. */
  seconds: number;
  /** Tablespaces of the backup that the server lacks: what lay in them lies in the database's own. */
  withoutTablespace: string[];
  /** True when nobody but its owner may connect: the original is not there to tell who else may. */
  closed: boolean;
  /** True when the login that made it was given leave to enter. */
  letIn: boolean;
  writersKey: string | undefined;
}

/** Makes the copy, or what is missing of it. Throws `CopyDiffers`, and what the backup or the server has against it. */
export async function makeProvedCopy(order: CopyOrder): Promise<ProvedCopy> {
  const { maintenance, sessions, attempt } = order;
  await endSessionsOfOlder(maintenance, sessions, attempt);
  const left = await takeOver(order);
  if (left === undefined) return finish(order, await begin(order));
  try {
    return await finish(order, left);
  } catch (error) {
    // Whatever it is, it may come of the going on: a backup is only judged by a copy that was made in one go, or by a second.
    if (left.anew || !isVerdict(error)) throw error;
    return await finish(order, await begin(order, { anew: true }));
  }
}

function isVerdict(error: unknown): boolean {
  return error instanceof RehearsalError && (error.code === "CopyDiffers" || error.code === "RestoreRefused");
}

/** What an earlier attempt has left, when it can be gone on with; undefined when it is to be begun anew. */
async function takeOver(order: CopyOrder): Promise<HalfMade | undefined> {
  const { maintenance, left, digest, id, name, address, application, manifest } = order;
  if (!left || left.manifest !== digest) return undefined;
  const found = await findDatabase(maintenance, { oid: left.oid });
  if (found === undefined || ownerOfScratch(found.name) !== id) return undefined;
  // Whoever of the older attempts is late looks for it by a name that it has no more.
  await order.asNewest(() => moveDatabase(maintenance, left.oid, name));
  order.passed("taken");
  await admit(order);
  const copy = await openSession({ ...address, database: name }, { application });
  try {
    const underWay = (await RestoreRecord.find(copy, manifest)) !== undefined;
    if (underWay) return withoutEnd(left);
    return left.filled && left;
  } finally {
    await copy.close();
  }
}

/** Of one clock, whichever machines the attempts are made on; to the millisecond. */
async function clockOf(maintenance: Session): Promise<number> {
  const [row] = await maintenance.query<{ seconds: number }>(
    "select round(extract(epoch from clock_timestamp()), 3)::float8 as seconds",
  );
  if (row === undefined) throw new Error("the server returned no row");
  return row.seconds;
}

function withoutEnd({ filled: _, ...half }: HalfMade): HalfMade {
  return half;
}

/** Makes an empty database, when all that earlier attempts have left is gone. */
async function begin(order: CopyOrder, more: Pick<HalfMade, "anew"> = {}): Promise<HalfMade> {
  const { maintenance, manifest, original, name, digest: of } = order;
  const own = original === undefined ? undefined : await readDatabaseFacts(maintenance, original);
  const facts = { ...manifest.database, ...(own?.tablespace && { tablespace: own.tablespace }) };
  // Nobody would drop one that is made when the promotion or the task has ended.
  const half = await order.asNewest(async () => {
    await dropScratch(maintenance, order.id, order.besides ?? []);
    const oid = await createDatabase(maintenance, name, facts);
    const made: HalfMade = { oid, manifest: of, begun: await clockOf(maintenance), ...more };
    await order.note(made);
    return made;
  });
  order.passed("created");
  return half;
}

/** Carries who may enter, and lets the login in that makes it; true when that needed leave. */
async function admit({ maintenance, original, name }: CopyOrder): Promise<boolean> {
  if (original !== undefined) await carryDatabaseProperties(maintenance, original, name);
  else {
    await closeToPublic(maintenance, name);
    // An earlier attempt may have let it in.
    await turnOwnLoginAway(maintenance, name);
  }
  return letOwnLoginIn(maintenance, name);
}

async function finish(order: CopyOrder, half: HalfMade): Promise<ProvedCopy> {
  const { name, address, application, store, manifest } = order;
  // Before the first row: whoever may not enter the one may not enter the other.
  const letIn = await admit(order);
  const target = { ...address, database: name };
  const filled = half.filled ?? (await fill());
  order.passed("restored");
  const copy = await openSession(target, { application });
  try {
    const differences = await order.prove(copy);
    if (differences.length > 0)
      throw new RehearsalError("CopyDiffers", { differences: differences.slice(0, 5).join("; ") });
  } catch (error) {
    // What was found wrong once would be found wrong again.
    if (isVerdict(error)) await order.asNewest(() => order.note(null));
    throw error;
  } finally {
    await copy.close();
  }
  return {
    ...{ oid: half.oid, name, letIn },
    seconds: Math.round(((await clockOf(order.maintenance)) - half.begun) * 1_000) / 1_000,
    withoutTablespace: filled.withoutTablespace,
    closed: order.original === undefined,
    writersKey: filled.writersKey,
  };

  async function fill(): Promise<NonNullable<HalfMade["filled"]>> {
    let noted: HalfMade["filled"];
    await restore({
      ...{ target, application, store, manifest, connections: order.connections },
      ...(order.tablespaces !== undefined && { tablespaces: order.tablespaces }),
      onProgress: order.progress,
      onKept: (what) => {
        order.kept();
        order.passed(`kept-${what}`);
      },
      onFilled: async ({ writers, withoutTablespace }) => {
        const writersKey = await order.keepWriters?.(writers, half.anew === true);
        const filled = { withoutTablespace, ...(writersKey !== undefined && { writersKey }) };
        noted = filled;
        await order.asNewest(() => order.note({ ...half, filled }));
        order.passed("filled");
      },
    });
    if (noted === undefined) throw new Error("a restore ended without telling that it had filled its target");
    return noted;
  }
}
