/** The four stores of the conformance suite: one definition, made of one schema, kept by Postgres, a folder, a bucket, and Postgres with a folder. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type DatabaseAddress, databaseUrl } from "../../core/database-url.ts";
import { schemaLock } from "../../core/schema-lock.ts";
import type { StoreDefinition } from "../../core/store/definition.ts";
import type { Row, Rows, Store } from "../../core/store/store.ts";
import { parseStoreFile } from "../../core/store/store-file.ts";
import { openSession } from "../../io/postgres/session.ts";
import { readShape } from "../../io/postgres/shape.ts";
import { openJsonStore } from "../../io/store/json-store.ts";
import { openPlace } from "../../io/store/open-place.ts";
import { openStore, type StoreOptions } from "../../store/open-store.ts";
import { startBucket, type TestBucket } from "../bucket.ts";
import { dropDatabases, execute, freshDatabase, newestServer } from "../postgres.ts";

const SCHEMA = `
create type mood as enum ('sad', 'ok', 'happy');
create table authors (
  id text primary key,
  email text not null unique,
  name varchar(20)
);
create table books (
  id int8 primary key,
  code text not null unique,
  author_id text not null references authors on delete cascade,
  editor_id text references authors on delete set null,
  title text
);
create index on books (author_id);
create index on books (title);
create table loans (
  id int4 primary key,
  book_code text not null references books (code) on update cascade on delete no action
);
create table tags (id uuid primary key, label text not null);
create table book_tags (
  book_id int8 references books on delete cascade,
  tag_id uuid references tags on delete restrict,
  primary key (book_id, tag_id)
);
create table nodes (id int4 primary key, parent_id int4 references nodes deferrable initially deferred);
create table homes (id int4 primary key, author_id text default 'nobody' references authors on delete set default);
create table shelves (id int4 primary key);
create table boxes (id int4 primary key, shelf_id int4 not null references shelves on delete cascade);
create table things (
  id int4 primary key,
  shelf_id int4 references shelves on delete cascade,
  box_id int4 references boxes on delete restrict
);
create table wires (
  id int4 primary key,
  box_id int4 references boxes on delete cascade,
  shelf_id int4 references shelves on delete no action
);
create table counters (id text primary key, value int8 not null);
create table every_type (
  id int4 primary key,
  a_int2 int2, a_int8 int8, a_numeric numeric, a_money numeric(10, 2), a_float4 float4, a_float8 float8, a_bool bool,
  a_text text, a_varchar varchar(5), a_char char(5), a_uuid uuid, a_bytea bytea, a_json json, a_jsonb jsonb,
  a_date date, a_time time, a_timetz timetz, a_timestamp timestamp, a_timestamptz timestamptz, an_interval interval,
  a_mood mood, a_range int8range, a_multirange datemultirange, an_inet inet, a_point point, a_bit bit(3), a_vector tsvector,
  some_ints int4[], some_texts text[], some_moods mood[], a_matrix numeric[][]
);
create table "Odd ""Table""" ("the id" text, "__proto__" int4, "constructor" text, primary key ("the id", "__proto__"));
`;

const STORE_FILE = `
models:
  Author: { table: authors, file: "authors/{id}.json" }
  Book: { table: books, file: "authors/{author_id}.json" }
  Loan: { table: loans, file: loans.jsonl }
  Tag: { table: tags, file: tags.json }
  BookTag: { table: book_tags, file: "books/{book_id}.jsonl" }
  Node: { table: nodes, file: nodes.json }
  Home: { table: homes, file: nodes.json }
  Shelf: { table: shelves, file: shelves.json }
  Box: { table: boxes, file: shelves.json }
  Thing: { table: things, file: things.jsonl }
  Wire: { table: wires, file: things.jsonl }
  Counter: { table: counters, file: "counters/{id}.jsonl" }
  EveryType: { table: every_type, file: every-type.jsonl, content: { a_bytea: "bytes/{sha256}" } }
  Odd: { table: '"Odd ""Table"""', file: "odd/{the id}.json" }
`;

export const BACKENDS = ["postgres", "json (folder)", "json (S3)", "dual"] as const;
export type BackendName = (typeof BACKENDS)[number];

export interface World {
  models: StoreDefinition;
  address: DatabaseAddress;
  /** Where nothing is yet, for a store; unlike any other. */
  newPlace(name: BackendName): Promise<string>;
  /** How to open an empty store, as often as one likes; the tables are emptied for those that have them. */
  empty(name: BackendName): Promise<StoreOptions<Rows>>;
  stop(): Promise<void>;
}

/** Everything that the four stores need. */
export async function startWorld(): Promise<World> {
  const address = await freshDatabase(newestServer(), SCHEMA);
  const bucket: TestBucket = await startBucket("application");
  const folder = await mkdtemp(join(tmpdir(), "rehearsal-store-"));
  const models = await definitionOf(address);
  let places = 0;
  const newPlace: World["newPlace"] = async (name) => {
    places++;
    return name === "json (S3)" ? `s3://application/place-${places}` : join(folder, `place-${places}`);
  };
  return {
    models,
    address,
    newPlace,
    empty: async (name) => {
      const place = await newPlace(name);
      const options = { models, place, database: databaseUrl(address) };
      if (name === "postgres" || name === "dual") await execute(address, truncation(models));
      if (name === "dual") await newFollower(models, place);
      if (name === "postgres" || name === "dual") return { ...options, backend: name };
      return { ...options, backend: "json", create: true };
    },
    stop: async () => {
      await bucket.stop();
      await rm(folder, { recursive: true });
      await dropDatabases(address);
    },
  };
}

/** Makes a store that follows, as an export of empty tables would. */
export async function newFollower(definition: StoreDefinition, at: string): Promise<void> {
  const store = await openJsonStore({
    ...{ place: await openPlace(at), definition, as: "follower", create: "following" },
  });
  await store.close();
}

/** Opens a store, runs the work, and closes it again. */
export async function withStore<T>(
  options: StoreOptions<Rows>,
  work: (store: Store) => Promise<T>,
): Promise<T> {
  const store = await openStore(options);
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}

/** All rows of a model, page by page. */
export async function allRows(store: Pick<Store, "list">, model: string, limit = 100): Promise<Row[]> {
  const rows: Row[] = [];
  let page = await store.list(model, {}, { limit });
  rows.push(...page.rows);
  while (page.next !== undefined) {
    page = await store.list(model, {}, { limit, after: page.next });
    rows.push(...page.rows);
  }
  return rows;
}

async function definitionOf(address: DatabaseAddress): Promise<StoreDefinition> {
  const session = await openSession(address, { application: "test" });
  try {
    return parseStoreFile(Buffer.from(STORE_FILE), schemaLock(await readShape(session)));
  } finally {
    await session.close();
  }
}

function truncation({ models }: StoreDefinition): string {
  return `truncate ${models.map(({ table }) => `public."${table.replaceAll('"', '""')}"`).join(", ")}`;
}
