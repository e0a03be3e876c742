/** A store becomes a database again: every row in one transaction, compared before it is committed. */
import { RehearsalError } from "../../../core/errors.ts";
import type { OnProgress } from "../../../core/progress.ts";
import { withContents } from "../../../core/store/content.ts";
import type { StoreDefinition, StoreModel } from "../../../core/store/definition.ts";
import { type ContentSum, rowDigest, Summed } from "../../../core/store/digest.ts";
import { mayHold, pathPrefix } from "../../../core/store/paths.ts";
import { loadOrder } from "../../../core/store/relations.ts";
import { textsOfRow } from "../../../core/store/rows.ts";
import { type CopySession, openCopySession } from "../../postgres/copy.ts";
import { copyRow } from "../../postgres/import/copy-row.ts";
import { PINNED } from "../../postgres/reading.ts";
import { openSession } from "../../postgres/session.ts";
import type { Head } from "../head.ts";
import { openJsonStore } from "../json-store.ts";
import { columnsOf, tableOf } from "../model-statements.ts";
import type { Place } from "../place.ts";
import type { CutOptions } from "./cut.ts";
import { sequencesOf } from "./export-notes.ts";
import { readFiles } from "./file-rows.ts";
import { sumOfModel } from "./model-rows.ts";
import { moveSequences } from "./sequences.ts";
import { sameSums } from "./tally.ts";
import { readTarget, type Target } from "./target.ts";

export interface ImportOptions extends CutOptions {
  definition: StoreDefinition;
  /** Nobody writes to the store meanwhile: it is closed, or a copy. It is not closed as a place. */
  place: Place;
  /** What the models' tables hold gives way; without it they have to be empty. */
  replace?: boolean;
  /** One of these is what they hold; without it they may hold anything. */
  held?: readonly Readonly<Record<string, ContentSum>>[];
  onProgress?: OnProgress;
  /** Commits by calling what it is given, once nobody else may. */
  commit?: (commit: () => Promise<void>) => Promise<void>;
  /** Told of `loaded` (all but the commit) and `committed`. */
  passed?: (point: string) => void;
}

export interface StoreImported {
  /** By model: what the database holds now, which is what the store does. */
  models: Record<string, ContentSum>;
  rows: number;
  /** Rows that gave way. */
  replaced: number;
}

/**
 * All or nothing. Foreign keys hold at the end; ordinary triggers stay silent, as in a restore, and those that are ENABLE ALWAYS
 * fire. Throws `StoreTargetTaken`, `StoreTargetReferenced`, `StoreTargetUnfit`, `StoreNotWhole` when the files are not what the
 * head says, `StoreFencedChanged` when what is to give way is not what is known of it, and `StoreImportDiffers` when the database would not hold what the store does.
 */
export async function importStore(options: ImportOptions): Promise<StoreImported> {
  const { address, application, definition, place, signal, passed = () => {} } = options;
  const { commit = (work: () => Promise<void>) => work() } = options;
  // The place is the caller's, so the store is left as it is and not closed.
  const store = await openJsonStore({ place, definition, as: "follower" });
  await store.settle();
  const head = await store.head();
  const target = await targetOf(options);
  const copy = await openCopySession(address, { application, ...(signal && { signal }) });
  try {
    await copy.execute(`begin; ${PINNED}; set local lock_timeout = '10s'`);
    try {
      await take(copy, target);
      await assertHeld(options, copy);
      const replaced = await makeRoom(options, copy, target);
      await inWords(address.database, () => load(options, copy, head));
      await copy.execute(target.putBack.join("; ") || "select");
      for (const { model, sequences } of target.tables)
        await moveSequences(copy, model, sequences, sequencesOf(head.notes));
      const models = await compare(options, copy, head);
      passed("loaded");
      await commit(() => copy.execute("commit"));
      passed("committed");
      const rows = Object.values(models).reduce((sum, model) => sum + model.rows, 0);
      return { models, rows, replaced };
    } catch (error) {
      // What failed first matters; a session that is gone has nothing to take back.
      await copy.execute("rollback").catch(() => undefined);
      throw error;
    }
  } finally {
    await copy.close();
  }
}

async function targetOf({
  address,
  application,
  patienceSeconds,
  definition,
  replace = false,
}: ImportOptions): Promise<Target> {
  const session = await openSession(address, {
    application,
    ...(patienceSeconds !== undefined && { patienceSeconds }),
  });
  try {
    return await readTarget(session, definition, { replace });
  } finally {
    await session.close();
  }
}

/** From here on nobody else writes, ordinary triggers do not fire, and constraints between tables that point at each other wait. */
async function take(copy: CopySession, { tables, outside, changes }: Target): Promise<void> {
  const names = [...tables.map(({ model }) => tableOf(model)), ...outside.map(({ by }) => by)];
  if (names.length > 0) await copy.execute(`lock table ${names.join(", ")} in access exclusive mode`);
  if (changes.length > 0) await copy.execute(changes.join("; "));
}

/** What somebody has written since is not overwritten unseen. Throws `StoreFencedChanged`. */
async function assertHeld({ address, definition, held }: ImportOptions, copy: CopySession): Promise<void> {
  if (held === undefined || held.length === 0) return;
  const sums: [StoreModel, ContentSum][] = [];
  for (const model of definition.models) sums.push([model, await sumOfModel(copy, model)]);
  const changed = held.map((known) =>
    sums.flatMap(([{ name, table }, sum]) => {
      const was = known[name];
      if (was !== undefined && sameSums(was, sum)) return [];
      return [
        `"${table}" held ${was?.rows ?? 0} rows, and holds ${sum.rows}${was?.rows === sum.rows ? " with other values" : ""}`,
      ];
    }),
  );
  const [nearest = []] = changed.toSorted((one, other) => one.length - other.length);
  if (nearest.length === 0) return;
  const differences = nearest.slice(0, 10).join("; ");
  throw new RehearsalError("StoreFencedChanged", { database: address.database, differences });
}

/** Sees to it that the tables are empty; returns how many rows gave way. */
async function makeRoom(
  { address, replace = false }: ImportOptions,
  copy: CopySession,
  { tables, outside }: Target,
): Promise<number> {
  const names = tables.map(({ model }) => tableOf(model));
  let rows = 0;
  for (const table of names) {
    const [count = "0"] = await copy.readRow(
      replace ? `select count(*) from ${table}` : `select count(*) from (select from ${table} limit 1) one`,
    );
    rows += Number(count);
    if (rows > 0 && !replace)
      throw new RehearsalError("StoreTargetTaken", { table, database: address.database });
  }
  if (!replace) return 0;
  // Rows of tables that are no model would be left pointing at nothing, or be deleted with what they point at.
  for (const { table, by, constraint } of outside) {
    const [found] = await copy.readRow(`select count(*) from (select from ${by} limit 1) one`);
    if (found !== "0") throw new RehearsalError("StoreTargetReferenced", { table, by, constraint });
  }
  if (rows > 0)
    await copy.execute(`truncate ${[...new Set([...names, ...outside.map(({ by }) => by)])].join(", ")}`);
  return rows;
}

/** What the server says of rows that it does not take is about the target. */
async function inWords(database: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof RehearsalError) || error.code !== "StatementFailed") throw error;
    const { sqlstate, reason } = error.facts as { sqlstate: string; reason: string };
    if (!/^(?:22|23|42|P0001)/.test(sqlstate)) throw error;
    throw new RehearsalError("StoreTargetUnfit", { database, problems: reason }, { cause: error });
  }
}

async function load(
  { definition, place, onProgress }: ImportOptions,
  copy: CopySession,
  head: Head,
): Promise<void> {
  const done = { bytes: 0, rows: 0 };
  const total = { bytes: 0, rows: Object.values(head.models).reduce((sum, { rows }) => sum + rows, 0) };
  for (const model of loadOrder(definition).flat()) {
    const read = new Summed();
    const lines = linesOf(place, definition, model, read, (bytes, rows) => {
      done.bytes += bytes;
      done.rows += rows;
      onProgress?.({ done: { ...done }, total, now: model.name });
    });
    await copy.copyIn(`copy ${tableOf(model)} (${columnsOf(model)}) from stdin`, lines, { consume: true });
    assertWhole(place, model, read.sum(), head.models[model.name]);
  }
  // No table is altered while a check of its rows is still to come.
  await copy.execute("set constraints all immediate");
}

function assertWhole(
  place: Place,
  { name }: StoreModel,
  files: ContentSum,
  committed: ContentSum | undefined,
): void {
  if (committed !== undefined && sameSums(files, committed)) return;
  const rows = committed?.rows ?? 0;
  throw new RehearsalError("StoreNotWhole", {
    place: place.where,
    reason: `the files hold ${files.rows} rows of "${name}", and ${rows} were committed${files.rows === rows ? ", with other values" : ""}`,
  });
}

/** Characters that are sent together. */
const PIECE = 128 * 1024;

/** A model's rows as COPY takes them, added up as they go by. */
async function* linesOf(
  place: Place,
  definition: StoreDefinition,
  model: StoreModel,
  summed: Summed,
  onRows: (bytes: number, rows: number) => void,
): AsyncGenerator<Uint8Array> {
  const readContent = async (path: string) => (await place.read(path))?.bytes;
  let piece = "";
  let rows = 0;
  const holders = async function* () {
    for await (const file of place.list(pathPrefix(model.file)))
      if (mayHold(model, file.path) && /\.jsonl?$/.test(file.path)) yield file;
  };
  for await (const file of readFiles(place, holders(), definition))
    for await (const some of file.rows)
      for (const found of some) {
        if (found.model !== model) continue;
        const row = await withContents(model, found.row, readContent);
        summed.add(rowDigest(model, row));
        piece += copyRow(textsOfRow(model, row));
        rows++;
        if (piece.length < PIECE) continue;
        const bytes = Buffer.from(piece);
        onRows(bytes.length, rows);
        piece = "";
        rows = 0;
        yield bytes;
      }
  if (rows === 0) return;
  const bytes = Buffer.from(piece);
  onRows(bytes.length, rows);
  yield bytes;
}

/** Asks the database what it would hold; throws `StoreImportDiffers` unless that is what the store does. */
async function compare(
  { definition, onProgress }: ImportOptions,
  copy: CopySession,
  head: Head,
): Promise<Record<string, ContentSum>> {
  const sums: [string, ContentSum][] = [];
  const differing: string[] = [];
  for (const model of definition.models) {
    onProgress?.({ done: { bytes: 0, rows: 0 }, now: `comparing ${model.name}` });
    const sum = await sumOfModel(copy, model);
    const committed = head.models[model.name];
    sums.push([model.name, sum]);
    if (committed === undefined || !sameSums(sum, committed))
      differing.push(
        `${model.name} would have ${sum.rows} rows of ${committed?.rows ?? 0}${sum.rows === committed?.rows ? ", with other values" : ""}`,
      );
  }
  if (differing.length > 0) throw new RehearsalError("StoreImportDiffers", { models: differing.join("; ") });
  return Object.fromEntries(sums);
}
