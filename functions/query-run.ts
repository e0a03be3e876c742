/** One run of a query: read from the environment's database, written in a format, answered whole or kept in the bucket for a day, and told in the log. */
import { createHash } from "node:crypto";
import { parseDatabaseUrl } from "../core/database-url.ts";
import { RehearsalError } from "../core/errors.ts";
import type { QueryFormat } from "../core/query/formats.ts";
import { bindValues, type GivenValue } from "../core/query/parameter.ts";
import { type QueryColumn, WRITTEN } from "../core/query/rows.ts";
import { isChanging } from "../io/ledger/drift-checks.ts";
import { type Environment, readEnvironment } from "../io/ledger/environments.ts";
import { appendEvent } from "../io/ledger/events.ts";
import { newCredentialId } from "../io/new-id.ts";
import type { ObjectStore } from "../io/object-store.ts";
import { type QueryResult, runQuery } from "../io/postgres/query.ts";
import { openSession, type Session } from "../io/postgres/session.ts";
import { assertIdentity, readIdentity } from "../io/postgres/target-schema.ts";
import { log } from "../io/telemetry/log.ts";
import { secrets } from "./clients.ts";
import { lookAt } from "./look.ts";
import { A_PERSON_WAITS, trySending } from "./outbox.ts";
import { findQuery, readQueries } from "./queries.ts";

interface QueryAsked {
  environment: string;
  query: string;
  /** A hash or its beginning; the environment's own when left out. */
  release?: string | undefined;
  parameters: Readonly<Record<string, GivenValue>>;
  /** Rows; as the query says when left out. */
  limit?: number | undefined;
  format: QueryFormat;
  person: string;
}

export interface QueryAnswer {
  query: string;
  release: string;
  format: QueryFormat;
  columns: QueryColumn[];
  /** How many are in it. */
  rows: number;
  /** What it was cut short by; null when it is whole. */
  truncated: "rows" | "bytes" | null;
  milliseconds: number;
  /** Of the format. */
  bytes: number;
  sha256: string;
  /** All of it, where it is small; else null. */
  content: string | null;
  /** Where it can be fetched, where it is large. */
  download: { url: string; expiresAt: string; file: string } | null;
}

/** Bytes that travel inside an answer: of its JSON text, in which quotes and line feeds count twice. */
const INLINE_BYTES = 4 * 2 ** 20;
/** Bytes of a result at most. */
const MOST_BYTES = 256 * 2 ** 20;
/** How long an address may be used. */
const ADDRESS_SECONDS = 300;

/** Runs it; throws what `findQuery`, `bindValues` and `runQuery` throw, `QueryHeld` and `IdentityMismatch`. */
export async function runPreset(
  ledger: Session,
  store: ObjectStore,
  asked: QueryAsked,
): Promise<QueryAnswer> {
  const environment = await readEnvironment(ledger, asked.environment);
  const read = await readQueries(ledger, store, environment, asked.release);
  const { query, release } = findQuery(read, asked.query, environment.name);
  const values = bindValues(query, asked.parameters);
  const rows = asked.limit ?? query.limit;
  // What reads a table for seconds keeps a migration from locking it.
  if (await isChanging(ledger, environment.name))
    throw new RehearsalError("QueryHeld", { environment: environment.name });
  const { queries, searchPath } = environment.policy;
  const begun = performance.now();
  const { value, more } = await lookAt(ledger, environment.name, async () => {
    const session = await openForQuery(environment);
    try {
      return await runQuery(
        session,
        {
          ...{ name: query.name, sql: query.sql, values, searchPath, rows },
          ...{ seconds: queries.seconds, rowSecurity: queries.role !== undefined },
        },
        (result) => collect(store, asked.format, result),
      );
    } finally {
      await session.close();
    }
  });
  const { key, ...written } = value;
  const truncated = written.cut ? "bytes" : more ? "rows" : null;
  const milliseconds = Math.round(performance.now() - begun);
  // Values are not told: they may be somebody's name.
  const told = {
    ...{ query: query.name, release, format: asked.format, rows: written.rows, truncated },
    ...{ parameters: Object.keys(asked.parameters).sort(), by: asked.person },
  };
  await ledger.transaction(async () => {
    await appendEvent(ledger, { type: "query.ran", environment: environment.name, data: told });
  });
  log.info("a query was run", { ...told, environment: environment.name, milliseconds, bytes: written.bytes });
  await trySending(ledger, A_PERSON_WAITS);
  const { cut: _, content, ...facts } = written;
  return {
    ...{ query: query.name, release, format: asked.format, ...facts, truncated, milliseconds, content },
    download:
      key === null ? null : await address(store, key, `${query.name}.${WRITTEN[asked.format].ending}`),
  };
}

/** A session that ends with the query. Another role sees no identity, so the login looks first. */
async function openForQuery(environment: Environment): Promise<Session> {
  const { name, policy } = environment;
  const address = parseDatabaseUrl(await secrets.readSecret(environment.secret));
  const open = (role?: string) =>
    openSession(role === undefined ? address : { ...address, role }, {
      application: `rehearsal query ${name}`,
      readOnly: true,
      statementTimeout: policy.queries.seconds * 1_000,
      // A person waits.
      patienceSeconds: 2,
    });
  const session = await open();
  try {
    assertIdentity(await readIdentity(session), environment);
    if (policy.queries.role === undefined) return session;
  } catch (error) {
    await session.close();
    throw error;
  }
  await session.close();
  return open(policy.queries.role);
}

interface Collected {
  columns: QueryColumn[];
  rows: number;
  /** Whether the bytes were too many. */
  cut: boolean;
  bytes: number;
  sha256: string;
  content: string | null;
  /** Of the object, where it did not fit into an answer. */
  key: string | null;
}

/** Reads all that is wanted: in memory as far as an answer goes, and from there on as a stream into the bucket. */
async function collect(store: ObjectStore, format: QueryFormat, result: QueryResult): Promise<Collected> {
  const tally = { rows: 0, bytes: 0, cut: false };
  const hash = createHash("sha256");
  const pieces = written(format, result, tally);
  const kept: string[] = [];
  let size = 0;
  let ended = false;
  while (!ended && size <= INLINE_BYTES) {
    const next = await pieces.next();
    ended = next.done === true;
    if (next.done === true) break;
    kept.push(next.value);
    size += Buffer.byteLength(JSON.stringify(next.value)) - 2;
  }
  const columns = [...result.columns];
  if (ended && size <= INLINE_BYTES) {
    const content = kept.join("");
    return { columns, ...tally, sha256: hash.update(content).digest("hex"), content, key: null };
  }
  const key = `queries/${new Date().toISOString().slice(0, 10)}/${newCredentialId()}${newCredentialId()}.${WRITTEN[format].ending}`;
  async function* whole() {
    for (const piece of kept.splice(0)) yield Buffer.from(piece);
    for await (const piece of pieces) yield Buffer.from(piece);
  }
  const { sha256 } = await store.putStream(key, whole(), { contentType: WRITTEN[format].contentType });
  return { columns, ...tally, sha256, content: null, key };
}

/** The text of the result, batch by batch, as far as it may go. */
async function* written(
  format: QueryFormat,
  { columns, batches }: QueryResult,
  tally: { rows: number; bytes: number; cut: boolean },
): AsyncGenerator<string> {
  const { head, row: lineOf, tail } = WRITTEN[format];
  const counted = (text: string) => {
    tally.bytes += Buffer.byteLength(text);
    return text;
  };
  yield counted(head(columns));
  for await (const batch of batches) {
    let piece = "";
    for (const row of batch) {
      const line = lineOf(columns, row, tally.rows === 0);
      tally.cut = tally.bytes + Buffer.byteLength(line) > MOST_BYTES;
      if (tally.cut) break;
      piece += counted(line);
      tally.rows++;
    }
    if (piece !== "") yield piece;
    if (tally.cut) break;
  }
  yield counted(tail(tally.rows));
}

async function address(store: ObjectStore, key: string, file: string): Promise<QueryAnswer["download"]> {
  const url = await store.presignGet(key, ADDRESS_SECONDS);
  return { url, expiresAt: new Date(Date.now() + ADDRESS_SECONDS * 1_000).toISOString(), file };
}
