/** A small project whose data can lie as files: rooms, words said in them, and pictures kept beside; with a change feed. */
import type { DatabaseAddress } from "../../core/database-url.ts";
import { feedMigration } from "../../core/feed-migration.ts";
import { checkProject } from "../../core/project.ts";
import { schemaLock, schemaLockText } from "../../core/schema-lock.ts";
import type { StoreDefinition } from "../../core/store/definition.ts";
import { openSession } from "../../io/postgres/session.ts";
import { readShape } from "../../io/postgres/shape.ts";
import { dropDatabases, execute, freshDatabase } from "../postgres.ts";
import type { Service } from "./service.ts";

const TABLES = `
create table rooms (id int primary key, name text not null unique);
create table words (
  id bigint generated always as identity primary key, room_id int not null references rooms on delete cascade,
  said text not null, at timestamptz not null default now(), more jsonb);
create table visits (id int primary key, room_id int references rooms on delete cascade);
create table pictures (id uuid primary key, room_id int references rooms on delete set null, sha256 text not null, data bytea not null);
`;

const STORE = `models:
  Room: { table: rooms, file: rooms.json }
  Word: { table: words, file: "words/{room_id}.jsonl" }
  Picture: { table: pictures, file: pictures.jsonl, content: { data: "pictures/{sha256}" } }
leave: [changes, visits]
`;

/** The project's files; the lock is that of a database on which they ran. */
export async function storedProject(server: { address: DatabaseAddress }): Promise<Record<string, string>> {
  const made = await freshDatabase(server, TABLES);
  try {
    const { sql } = feedMigration(schemaLock(await shapeOf(made)), "changes", ["rooms", "words", "pictures"]);
    await execute(made, sql);
    return {
      "rehearsal.yaml": "project: rooms\n",
      "migrations/0001_make_rooms.sql": TABLES,
      "migrations/0002_follow_changes.sql": sql,
      "schema.lock.json": schemaLockText(schemaLock(await shapeOf(made))),
      "store.yaml": STORE,
    };
  } finally {
    await dropDatabases(made);
  }
}

/** Registers the database as `rooms`, promotes the project to it, and brings some rows into it. */
export async function registerRooms(
  service: Service,
  server: { address: DatabaseAddress },
  address: DatabaseAddress,
  hook: { url: string },
): Promise<{ release: string; definition: StoreDefinition }> {
  const files = await storedProject(server);
  const project = await checkProject(
    Object.entries(files).map(([path, text]) => ({ path, bytes: Buffer.from(text) })),
  );
  if (project.store === undefined) throw new Error("the project has no store");
  const release = await service.release(files);
  await service.register("rooms", address, { hooks: { stop: hook.url, start: hook.url } }, "dev");
  await service.until(await service.promote("rooms", release), "promoted");
  await furnish(address, 1);
  return { release, definition: project.store };
}

async function shapeOf(address: DatabaseAddress) {
  const session = await openSession(address, { application: "test" });
  try {
    return await readShape(session);
  } finally {
    await session.close();
  }
}

/** Rooms from `from` on, each with words and a picture. */
export function furnish(address: DatabaseAddress, from: number, rooms = 3) {
  const upTo = from + rooms - 1;
  return execute(
    address,
    `insert into rooms select n, 'room ' || n from generate_series(${from}, ${upTo}) n;
      insert into words (room_id, said, more) select n, 'word ' || w, jsonb_build_object('w', w, 'exact', 0.10::numeric)
        from generate_series(${from}, ${upTo}) n, generate_series(1, 20) w;
      insert into pictures select gen_random_uuid(), n, encode(sha256(d), 'hex'), d
        from generate_series(${from}, ${upTo}) n, lateral (select decode(repeat(md5(n::text), 40), 'hex') as d) p`,
  );
}
