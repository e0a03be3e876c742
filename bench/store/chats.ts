/** The data of the benches of stores: chats with their messages, as many as asked for. */
import type { DatabaseAddress } from "../../core/database-url.ts";
import { schemaLock } from "../../core/schema-lock.ts";
import type { StoreDefinition } from "../../core/store/definition.ts";
import { parseStoreFile } from "../../core/store/store-file.ts";
import { readShape } from "../../io/postgres/shape.ts";
import { onDatabase } from "../database.ts";

const SCHEMA = `
create table public.users (id uuid primary key, email text not null unique, settings jsonb not null);
create table public.chats (id uuid primary key, user_id uuid not null references public.users on delete cascade,
  title text not null, created_at timestamptz not null);
create table public.messages (id uuid primary key, chat_id uuid not null references public.chats on delete cascade,
  role text not null, content text not null, tokens int, cost numeric, created_at timestamptz not null, raw jsonb);
create index on public.messages (chat_id);`;

/** A hundred messages a chat, each of about 450 bytes. */
const fill = (messages: number) => `
insert into public.users select md5('u' || g)::uuid, 'u' || g || '@example.org', jsonb_build_object('theme', 'dark', 'n', g) from generate_series(1, 10) g;
insert into public.chats select md5('c' || g)::uuid, md5('u' || g % 10 + 1)::uuid, 'Chat ' || g, '2026-01-01'::timestamptz + g * interval '1.000001 s'
  from generate_series(1, greatest(1, ${messages} / 100)) g;
insert into public.messages select md5('m' || g)::uuid, md5('c' || g % greatest(1, ${messages} / 100) + 1)::uuid, case g % 2 when 0 then 'user' else 'assistant' end,
  'Message ' || g || repeat(' of some words, "quoted"', 6 + g % 10), g % 4000, g / 7.0, '2026-01-01'::timestamptz + g * interval '1.000001 s',
  jsonb_build_object('model', 'one', 'usage', jsonb_build_object('in', g % 100, 'out', g % 300)) from generate_series(1, ${messages}) g;
analyze;`;

const STORE = `
models:
  User: { table: users, file: settings/general.json }
  Chat: { table: chats, file: chats/index.jsonl }
  Message: { table: messages, file: "chats/{chat_id}.jsonl" }
`;

export const TABLES = ["users", "chats", "messages"] as const;

/** The database with the tables, and with rows when there are to be some; it is made anew. */
export async function makeChats(
  server: DatabaseAddress,
  database: string,
  messages: number,
): Promise<{ address: DatabaseAddress; definition: StoreDefinition }> {
  await onDatabase(server, async (session) => {
    await session.execute(`drop database if exists ${database} with (force)`);
    await session.execute(`create database ${database} template template0`);
  });
  const address = { ...server, database };
  const definition = await onDatabase(address, async (session) => {
    await session.execute(SCHEMA);
    const lock = schemaLock(await readShape(session));
    if (messages > 0) await session.execute(fill(messages));
    await session.execute("checkpoint");
    return parseStoreFile(Buffer.from(STORE), lock);
  });
  return { address, definition };
}
