/** An application of chats, for the tests of the move: relations of every kind, files of every kind, something encrypted and something binary. */
import type { SchemaMarks } from "../../../../core/schema-lock.ts";

export const CHATS_SQL = `
create table users (id text primary key, email text not null unique, password_hash text, settings jsonb not null default '{}');
create table chats (id text primary key, user_id text not null references users on delete cascade, title text,
  starred_message bigint, created_at timestamptz not null default '2026-01-01 00:00:00.000001Z');
create table messages (id bigint generated always as identity primary key, chat_id text not null references chats on delete cascade,
  reply_to bigint references messages on delete set null, body text not null, tokens numeric);
alter table chats add constraint chats_starred foreign key (starred_message) references messages on delete set null;
create table tags (id text primary key, name text not null unique);
create table chat_tags (chat_id text references chats on delete cascade, tag_id text references tags on delete restrict, primary key (chat_id, tag_id));
create table images (id int primary key, chat_id text references chats on delete cascade, sha256 text, data bytea);`;

/** So many chats with ten messages each. */
export const fillChats = (chats: number) => `
insert into users select 'u' || g, 'u' || g || '@example.org', '$2b$12$' || md5(g::text), jsonb_build_object('n', g) from generate_series(1, 3) g;
insert into chats (id, user_id, title) select 'c' || g, 'u' || (g % 3 + 1), 'Title ' || g from generate_series(1, ${chats}) g;
insert into messages (chat_id, body, tokens) select 'c' || (g % ${chats} + 1), 'Message ' || g || repeat(' word', g % 20), g / 7.0
  from generate_series(1, ${chats} * 10) g;
update messages set reply_to = id - ${chats} where id > ${chats} and id % 3 = 0;
update chats set starred_message = (select min(id) from messages m where m.chat_id = chats.id) where length(id) < 3;
insert into tags select 't' || g, 'tag ' || g from generate_series(1, 4) g;
insert into chat_tags select 'c' || g, 't' || (g % 4 + 1) from generate_series(1, ${chats}) g;
insert into images select g, 'c' || g, null, decode(md5(g::text) || md5((g % 2)::text), 'hex') from generate_series(1, least(${chats}, 8)) g;`;

export const CHATS_YAML = `
models:
  User: { table: users, file: settings/general.json }
  Chat: { table: chats, file: "chats/{id}/about.json" }
  ChatTag: { table: chat_tags, file: "chats/{chat_id}/about.json" }
  Message: { table: messages, file: "chats/{chat_id}/messages.jsonl" }
  Tag: { table: tags, file: tags.json }
  Image: { table: images, file: binaries/index.jsonl, content: { data: "binaries/{sha256}" } }
`;

export const CHATS_MARKS: SchemaMarks = { encrypted: new Set(["public.users.password_hash"]) };
