/** Holds a store against its database and against its own rules, and names what is wrong. */
import type { OnProgress } from "../../../core/progress.ts";
import { mayHold } from "../../../core/store/paths.ts";
import type { StoreProblem, StoreVerification } from "../../../core/store/verification.ts";
import { openSession } from "../../postgres/session.ts";
import { resolveDoubts } from "../doubts.ts";
import type { Head } from "../head.ts";
import type { JsonStore } from "../json-store.ts";
import { atOneCut, type Cut, type CutOptions, shared } from "./cut.ts";
import { findDifferences } from "./differences.ts";
import { Findings } from "./findings.ts";
import { modelRows } from "./model-rows.ts";
import { type Scanned, scanStore } from "./scan.ts";
import { follow } from "./sync.ts";
import { sameSums, Tally } from "./tally.ts";
import { settleRows } from "./unsettled.ts";

export interface VerifyOptions {
  /** Open as `follower`; its files are read where they lie. */
  store: JsonStore;
  /** Without it the store is held against its own rules alone. */
  database?: (CutOptions & { feed?: string | undefined; connections?: number }) | undefined;
  onProgress?: OnProgress;
  /** Memory for keys that are looked up; 64 MiB when not given. With more rows the files are read several times. */
  keyBytes?: number;
}

/**
 * Never throws for what it finds: that is the report. With a feed the store is brought up to the instant at which the database is
 * read. Rows that change meanwhile are looked at again, behind another sync, before anything is said of them. Memory does not
 * grow with the rows beyond `keyBytes`.
 */
export async function verifyStore(options: VerifyOptions): Promise<StoreVerification> {
  let look = await lookOnce(options);
  let standing = look.findings;
  // What was found while others wrote may have been on its way from one side to the other.
  for (let again = 1; again < LOOKS && look.moved && standing.found > 0 && standing.whole; again++) {
    look = await lookOnce(options);
    // Of the last look all stands when nobody wrote meanwhile, also what the looks before could not see.
    standing = look.moved ? standing.standing(look.findings) : look.findings;
  }
  const { store, database } = options;
  if (database !== undefined && standing.whole) standing = await settleRows({ store, database }, standing);
  return reportOf(store, look, standing);
}

/** How often it is looked, while others write, until what is found is told. */
const LOOKS = 4;
const CONNECTIONS = 4;
const KEY_BYTES = 64 * 1024 ** 2;

interface Look {
  findings: Findings;
  tallies: Map<string, Tally>;
  scanned: Scanned;
  /** As it was before. */
  head: Head;
  database: StoreVerification["database"];
  /** Whether the store was written to meanwhile. */
  moved: boolean;
}

async function lookOnce(options: VerifyOptions): Promise<Look> {
  const { store, database } = options;
  if (database === undefined) return look(options, undefined);
  // Only a store that follows is brought up; another one is looked at as it is.
  const feed = (await store.head()).state === "following" ? database.feed : undefined;
  if (feed !== undefined) {
    const { address, application } = database;
    const session = await openSession(address, { application });
    try {
      await resolveDoubts(session, store);
    } finally {
      await session.close();
    }
  }
  return atOneCut(database, async (cut) => {
    if (feed !== undefined) await follow({ session: cut.holder, store, feed });
    return look(options, cut);
  });
}

/** Both sides as they are now, the database at its cut. */
async function look(options: VerifyOptions, cut: Cut | undefined): Promise<Look> {
  const { store, database, onProgress, keyBytes = KEY_BYTES } = options;
  const { definition, place } = store;
  await store.settle();
  const head = await store.head();
  const findings = new Findings();
  const tallies = new Map(definition.models.map((model) => [model.name, new Tally(model)]));
  const done = { bytes: 0, rows: 0 };
  const tell = (bytes: number, rows: number, now: string) => {
    done.bytes += bytes;
    done.rows += rows;
    onProgress?.({ done: { ...done }, now });
  };
  const signal = cut?.stop.signal;
  const scanning = scanStore({
    ...{ place, definition, head, tallies, findings, keyBytes, signal },
    onFile: (path, size, rows) => tell(size, rows, path),
  });
  const reading =
    cut === undefined
      ? Promise.resolve()
      : shared(cut, database?.connections ?? CONNECTIONS, [...tallies.values()], async (session, tally) => {
          for await (const { rows, bytes } of modelRows(session, tally.model)) {
            for (const { row, digest } of rows) tally.addDatabase(row, digest);
            tell(bytes, rows.length, tally.model.name);
          }
        });
  const [scanned] = await Promise.all([
    scanning.catch((error: unknown) => {
      cut?.stop.abort(error);
      throw error;
    }),
    reading,
  ]);
  if (cut !== undefined) await findDifferences({ cut, place, definition, tallies, findings });
  const after = await store.head();
  const moved = after.seq !== head.seq;
  judgeHead(head, tallies, scanned, findings, moved);
  const known = cut && {
    ...{ name: cut.holder.address.database, takenAt: cut.takenAt, snapshot: cut.snapshot },
  };
  return { findings, tallies, scanned, head: after, database: known ?? null, moved };
}

/** Whether the files hold what was committed. While others commit, what was read of them are several instants. */
function judgeHead(
  head: Head,
  tallies: ReadonlyMap<string, Tally>,
  { torn }: Scanned,
  findings: Findings,
  moved: boolean,
): void {
  if (moved) return;
  const wrong: Tally[] = [];
  for (const [name, tally] of tallies) {
    const files = tally.files.rows.sum();
    const committed = head.models[name];
    if (committed !== undefined && sameSums(files, committed)) continue;
    wrong.push(tally);
    findings.add({
      ...{ problem: "head-differs" as const, model: name },
      reason: `its files hold ${files.rows} rows, and ${committed?.rows ?? 0} were committed${files.rows === committed?.rows ? ", with other values" : ""}`,
    });
  }
  // The end of a write that was never committed is nobody's loss.
  for (const path of torn)
    if (wrong.some(({ model }) => mayHold(model, path)))
      findings.add({ problem: "file-damaged", path, reason: "its last line is torn" });
}

function reportOf(
  { definition }: JsonStore,
  { tallies, scanned, head, database }: Look,
  findings: Findings,
): StoreVerification {
  const models = [...tallies].map(([name, tally]) => {
    const { encryptedColumns, files } = tally;
    const encrypted = encryptedColumns.length > 0 && {
      columns: encryptedColumns,
      database: database && tally.database.encrypted.sum().sum,
      files: files.encrypted.sum().sum,
    };
    return [
      name,
      {
        database: database && tally.database.rows.sum(),
        store: head.models[name] ?? { rows: 0, sum: "" },
        files: files.rows.sum(),
        encrypted: encrypted || null,
        relations: scanned.relations.get(name) ?? [],
        unique: scanned.unique.get(name) ?? [],
      },
    ] as const;
  });
  return {
    format: "rehearsal-store-verification/1",
    verified: findings.found === 0,
    schema: definition.schema,
    store: { seq: head.seq, state: head.state },
    database,
    // From entries, for a model may be called `__proto__`.
    models: Object.fromEntries(models),
    files: scanned.files,
    found: findings.found,
    problems: findings.problems() satisfies StoreProblem[],
  };
}
