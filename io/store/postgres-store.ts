/** A store that Postgres keeps: the tables of the models, each transaction serializable, refusals in the words that all backends share. */
import { setTimeout as pause } from "node:timers/promises";
import type { DatabaseAddress } from "../../core/database-url.ts";
import { RehearsalError } from "../../core/errors.ts";
import { parseAsked } from "../../core/store/asked.ts";
import type { StoreDefinition, StoreModel } from "../../core/store/definition.ts";
import { keyRow, keyText } from "../../core/store/keys.ts";
import { modelNamed } from "../../core/store/relations.ts";
import { parseKey, parseRow, rowOfTexts } from "../../core/store/rows.ts";
import type { By, Key, Listed, Page, Row, Store, Writer } from "../../core/store/store.ts";
import type { Session } from "../postgres/session.ts";
import {
  countRows,
  deleteRow,
  insertRow,
  type Statement,
  selectPage,
  selectRow,
} from "./model-statements.ts";
import { type Asking, isConflict, staleView, storeRefusal } from "./postgres-refusals.ts";
import { assertTables } from "./postgres-tables.ts";
import { openPool } from "./session-pool.ts";

export interface PostgresStoreOptions {
  address: DatabaseAddress;
  definition: StoreDefinition;
  /** Sessions at most; ten when not given. */
  connections?: number;
}

/** What a transaction wrote: the row as the database has it, or that it is gone. */
export interface Written {
  model: StoreModel;
  key: Row;
  row: Row | undefined;
}

/** What has to happen around each COMMIT. */
export interface CommitGuard {
  /** Before it, while the transaction holds the locks of all that it wrote; a throw rolls it back. */
  before(written: readonly Written[], session: Session): Promise<void>;
  /** `committed` for certain, or not for certain. */
  after(committed: boolean): Promise<void>;
}

export interface PostgresStore extends Store {
  /** A transaction of which every try gets a guard of its own. */
  guarded<T>(work: (tx: Writer) => Promise<T>, guard: () => CommitGuard): Promise<T>;
  /** Work of one's own on one of its sessions. */
  session<T>(work: (session: Session) => Promise<T>): Promise<T>;
}

/** A transaction that met others so often has too many beside it. */
const TRIES = 30;
const LONGEST_PAUSE = 400;

/** A reference that may be checked later is checked at once, as files do it. */
const BEGIN = "begin isolation level serializable; set constraints all immediate";

/** Opens the store; throws `StoreSchemaDiffers` when the database lacks what the definition names, and whatever `openSession` throws. */
export async function openPostgresStore({
  address,
  definition,
  connections = 10,
}: PostgresStoreOptions): Promise<PostgresStore> {
  const pool = openPool(address, "rehearsal store", connections);
  const keys = await pool
    .use((session) => assertTables(session, definition))
    .catch(async (error: unknown) => {
      await pool.close();
      throw error;
    });

  /** One statement; a refusal is the catalogue's. */
  const ask = async (session: Session, { text, values }: Statement, asking?: Asking) => {
    try {
      return (await session.table(text, values)).rows;
    } catch (error) {
      throw asking === undefined || isConflict(error) ? error : storeRefusal(error, definition, keys, asking);
    }
  };

  const once = async <T>(
    session: Session,
    work: (tx: Writer) => Promise<T>,
    before?: (written: readonly Written[], session: Session) => Promise<void>,
  ) => {
    const written = new Map<string, Written>();
    const tx = writerOn(definition, ask, session, written);
    try {
      return await session.transaction(async () => {
        const done = await work(tx.writer).finally(tx.end);
        if (tx.refused() !== undefined) throw tx.refused();
        if (written.size > 0) await before?.([...written.values()], session);
        return done;
      }, BEGIN);
    } catch (error) {
      // Whatever the work made of it: what came between is the reason.
      throw isConflict(tx.refused()) ? tx.refused() : error;
    }
  };

  const guarded: PostgresStore["guarded"] = (work, makeGuard) =>
    inTurn(async () => {
      const guard = makeGuard();
      let reached = false;
      const committed = await pool
        .use((session) =>
          once(session, work, (written) => {
            reached = true;
            return guard.before(written, session);
          }),
        )
        // Behind the pool, for what has to be done may need a session too.
        .catch(async (error: unknown) => {
          if (reached) await guard.after(false);
          throw error;
        });
      if (reached) await guard.after(true);
      return committed;
    });

  const transaction: Store["transaction"] = (work) =>
    inTurn(() => pool.use((session) => once(session, work)));

  /** Outside a transaction a single statement is one. */
  const single = <T>(work: (tx: Writer) => Promise<T>) =>
    retried(() => pool.use((session) => work(writerOn(definition, ask, session).writer)));

  return {
    get: (model, key) => single((tx) => tx.get(model, key)),
    list: (model, by, page) => single((tx) => tx.list(model, by, page)),
    count: (model) => single((tx) => tx.count(model)),
    put: (model, row) => single((tx) => tx.put(model, row)),
    append: (model, row) => single((tx) => tx.append(model, row)),
    delete: (model, key) => single((tx) => tx.delete(model, key)),
    transaction,
    guarded,
    session: (work) => pool.use(work),
    close: pool.close,
  };
}

/** The operations on one session; what they wrote is noted in `written`, by model and key. */
function writerOn(
  definition: StoreDefinition,
  ask: (session: Session, statement: Statement, asking?: Asking) => Promise<(string | null)[][]>,
  session: Session,
  written?: Map<string, Written>,
) {
  let refused: unknown;
  let ended = false;
  /** After a refusal the server answers nothing any more, and neither do we. */
  const guarded = async <T>(work: () => Promise<T>): Promise<T> => {
    if (ended || refused !== undefined) throw new RehearsalError("StoreClosed", {});
    try {
      return await work();
    } catch (error) {
      refused ??= error;
      throw error;
    }
  };
  const note = (model: StoreModel, key: Row, row: Row | undefined) =>
    written?.set(JSON.stringify([model.name, keyText(model, key)]), { model, key, row });
  const insert = async (name: string, given: Row, replace: boolean) => {
    const model = modelNamed(definition, name);
    const row = parseRow(model, given);
    const key = keyRow(model, row);
    const statement = insertRow(definition, model, row, replace);
    const [texts] = await ask(session, statement, { model, key, deletes: false });
    if (texts?.pop() === "t") throw staleView();
    // A trigger of the database may have kept it out, or given it another key.
    const became = texts === undefined ? undefined : rowOfTexts(model, texts);
    note(model, key, undefined);
    if (became !== undefined) note(model, keyRow(model, became), became);
  };
  const writer: Writer = {
    get: (name, given: Key) =>
      guarded(async () => {
        const model = modelNamed(definition, name);
        const [texts] = await ask(session, selectRow(model, parseKey(model, given)));
        return texts === undefined ? undefined : rowOfTexts(model, texts);
      }),
    list: (name, by: By, page?: Page) =>
      guarded(async () => {
        const model = modelNamed(definition, name);
        const asked = parseAsked(model, by, page);
        const found = await ask(session, selectPage(model, asked));
        return pageOf(
          model,
          found.map((texts) => rowOfTexts(model, texts)),
          asked.limit,
        );
      }),
    count: (name) =>
      guarded(async () => {
        const [row] = await ask(session, countRows(modelNamed(definition, name)));
        return Number(row?.[0]);
      }),
    put: (name, row) => guarded(() => insert(name, row, true)),
    append: (name, row) => guarded(() => insert(name, row, false)),
    delete: (name, given: Key) =>
      guarded(async () => {
        const model = modelNamed(definition, name);
        const key = parseKey(model, given);
        const gone = await ask(session, deleteRow(model, key), { model, key, deletes: true });
        if (gone.length > 0) note(model, key, undefined);
        return gone.length > 0;
      }),
  };
  return {
    writer,
    refused: () => refused,
    end: () => {
      ended = true;
    },
  };
}

/** The rows of a page out of those that were found, which may be one too many. */
function pageOf(model: StoreModel, found: readonly Row[], limit: number): Listed {
  const rows = found.slice(0, limit);
  const last = rows.at(-1);
  return { rows, ...(found.length > limit && last !== undefined && { next: keyRow(model, last) }) };
}

function inTurn<T>(work: () => Promise<T>): Promise<T> {
  return refusedTwice(() => retried(work));
}

/** Runs it again as long as something else comes between; throws `StoreBusy`. */
async function retried<T>(work: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await work();
    } catch (error) {
      if (!isConflict(error)) throw error;
      if (tries === TRIES) throw new RehearsalError("StoreBusy", { tries }, { cause: error });
      // At random, so that those who met do not meet again.
      await pause(Math.random() * Math.min(2 ** tries, LONGEST_PAUSE));
    }
  }
}

/**
 * Runs a transaction again until it is refused twice for the same. Postgres holds a constraint against what others have
 * committed meanwhile, which the transaction itself does not see: it would be refused for what it has read otherwise.
 */
async function refusedTwice<T>(work: () => Promise<T>): Promise<T> {
  let before: string | undefined;
  for (let tries = 1; ; tries++) {
    try {
      return await work();
    } catch (error) {
      const held = constraintOf(error);
      if (held === undefined || held === before || tries === MOST_REFUSED) throw error;
      before = held;
    }
  }
}

/** Refusals of one transaction, if they are never for the same. */
const MOST_REFUSED = 5;

/** By which constraint a row was refused for the sake of other rows. */
function constraintOf(error: unknown): string | undefined {
  if (!(error instanceof RehearsalError)) return undefined;
  const { constraint } = error.facts as { constraint?: string };
  return constraint === undefined ? undefined : `${error.code} ${constraint}`;
}
