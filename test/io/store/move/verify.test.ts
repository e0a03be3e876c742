/**
 * What a verification finds, and what it calls by its name: every way in which a store can come to hold something else than its database.
 * Long because each way is done to a store by hand.
 */
import { appendFile, mkdtemp, readFile, rm, unlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import type { StoreProblem, StoreVerification } from "../../../../core/store/verification.ts";
import { openSession } from "../../../../io/postgres/session.ts";
import { type JsonStore, openJsonStore } from "../../../../io/store/json-store.ts";
import { exportStore } from "../../../../io/store/move/export.ts";
import { importStore } from "../../../../io/store/move/import.ts";
import { syncOnce } from "../../../../io/store/move/sync.ts";
import { verifyStore } from "../../../../io/store/move/verify.ts";
import { openPlace } from "../../../../io/store/open-place.ts";
import { dropDatabases, execute } from "../../../postgres.ts";
import { refusalOf } from "../../../refusal.ts";
import { CHATS_MARKS, CHATS_SQL, CHATS_YAML, fillChats } from "./chats.ts";
import { FEED, type MovedDatabase, movedDatabase } from "./database.ts";

let database: MovedDatabase;
let folder: string;
let store: JsonStore;
let path: (name: string) => string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "verify-"));
  path = (name) => join(folder, name);
  database = await movedDatabase(CHATS_SQL + fillChats(30), CHATS_YAML, CHATS_MARKS);
  const place = await openPlace(folder);
  await exportStore({ ...database, application: "test", place, id: "one", feed: FEED });
  store = await openJsonStore({ place, definition: database.definition, as: "follower" });
});
afterAll(async () => {
  await store.close();
  await dropDatabases(database.address);
  await rm(folder, { recursive: true });
});

/** Put back behind each test, with what they held. */
const touched = new Map<string, Buffer | undefined>();
afterEach(async () => {
  for (const [name, bytes] of touched)
    await (bytes === undefined ? unlink(path(name)) : writeFile(path(name), bytes));
  touched.clear();
});

async function edit(name: string, change: (text: string) => string): Promise<void> {
  const bytes = await readFile(path(name));
  touched.set(name, bytes);
  const changed = change(bytes.toString());
  expect(changed).not.toBe(bytes.toString());
  await writeFile(path(name), changed);
}

const verify = (): Promise<StoreVerification> =>
  verifyStore({ store, database: { address: database.address, application: "test", feed: FEED } });
const alone = (): Promise<StoreVerification> => verifyStore({ store });

/** The problems without what they say to people. */
const told = ({ problems }: StoreVerification) =>
  problems.map(({ reason: _, ...problem }): StoreProblem => problem);

test("a store that was only exported is what its database holds, its encrypted fields and its contents as well", async () => {
  const found = await verify();
  expect(found.problems).toEqual([]);
  expect(found.verified).toBe(true);
  const { User, Image, Message, Chat } = found.models;
  expect(User?.encrypted?.columns).toEqual(["password_hash"]);
  expect(User?.encrypted?.files).toBe(User?.encrypted?.database);
  expect(Message?.files).toEqual(Message?.database);
  expect(Message?.relations).toEqual([
    expect.objectContaining({ name: "messages_chat_id_fkey", onDelete: "cascade", rows: 300, orphans: 0 }),
    expect.objectContaining({ name: "messages_reply_to_fkey", onDelete: "set null", orphans: 0 }),
  ]);
  expect(Chat?.unique).toEqual([{ name: "primary key", twice: 0 }]);
  expect(Image?.files.rows).toBe(8);
  expect(found.files.contents).toBe(8);
});

test("a value that was changed by hand is named by its row, its column and its file, also among lines", async () => {
  await edit("chats/c7/about.json", (text) => text.replace('"Title 7"', '"Title seven"'));
  await edit("chats/c3/messages.jsonl", (text) => text.replace("Message 2 ", "Message two "));
  await edit("settings/general.json", (text) => text.replace("$2b$12$", "$2b$13$"));
  const found = await verify();
  expect(found.verified).toBe(false);
  const differs = { problem: "row-differs" };
  expect(told(found)).toEqual([
    { ...differs, model: "Chat", key: '["c7"]', path: "chats/c7/about.json", columns: ["title"] },
    { ...differs, model: "Message", key: '["2"]', path: "chats/c3/messages.jsonl", columns: ["body"] },
    {
      ...differs,
      model: "User",
      key: expect.any(String),
      path: "settings/general.json",
      columns: ["password_hash"],
    },
    ...["Chat", "Message", "User"].map((model) => ({ problem: "head-differs", model })),
  ]);
  expect(found.models.User?.encrypted?.files).not.toBe(found.models.User?.encrypted?.database);
  // Without a database the model is known, and by its own rules nothing else is wrong.
  expect(told(await alone()).map(({ problem, model }) => `${problem} ${model}`)).toEqual([
    "head-differs Chat",
    "head-differs Message",
    "head-differs User",
  ]);
});

test("rows that lack, are too many, lie elsewhere or are no rows are told apart", async () => {
  const { text } = await cutRow("chats/c5/about.json");
  await edit("chats/c6/about.json", (document) => document.replace('"ChatTag": [', `"ChatTag": [${text},`));
  await edit("binaries/index.jsonl", (lines) =>
    lines.replace('"id":1,', '"id":1001,').replace('"id":2,', '"id":"two",'),
  );
  const found = await verify();
  expect(told(found)).toEqual(
    expect.arrayContaining([
      { problem: "file-edited", path: "chats/c6/about.json" },
      {
        ...{ problem: "row-misplaced", model: "ChatTag", key: '["c5","t2"]', path: "chats/c6/about.json" },
      },
      { problem: "row-invalid", model: "Image", key: '["two"]', path: "binaries/index.jsonl" },
      { problem: "row-extra", model: "Image", key: "[1001]", path: "binaries/index.jsonl" },
      { problem: "row-missing", model: "Image", key: "[1]", path: "binaries/index.jsonl" },
      { problem: "row-missing", model: "Image", key: "[2]", path: "binaries/index.jsonl" },
    ]),
  );
});

/** Takes the tag of a chat out of its file, and gives its text. */
async function cutRow(name: string): Promise<{ text: string }> {
  let text = "";
  await edit(name, (document) => {
    const value = JSON.parse(document) as { models: Record<string, unknown[]> };
    text = JSON.stringify(value.models.ChatTag?.[0]);
    delete value.models.ChatTag;
    return `${JSON.stringify(value, null, 2)}\n`;
  });
  return { text };
}

test("what is left pointing at nothing, and what is there twice, is found without a database", async () => {
  await edit("tags.json", (text) => text.replace('"id": "t3"', '"id": "t33"').replace('"tag 4"', '"tag 1"'));
  const [line] = (await readFile(path("chats/c1/messages.jsonl"), "utf8")).split("\n");
  await edit("chats/c2/messages.jsonl", (text) => `${text}${line}\n`);
  const found = await alone();
  const problems = told(found);
  const tags = problems.filter(({ problem, model }) => problem === "orphan" && model === "ChatTag");
  expect(tags.length).toBe(
    found.models.ChatTag?.relations.find(({ references }) => references === "Tag")?.orphans,
  );
  expect(tags).toContainEqual({
    ...{ problem: "orphan", model: "ChatTag", key: '["c2","t3"]', path: "chats/c2/about.json" },
    constraint: "chat_tags_tag_id_fkey",
  });
  expect(problems).toContainEqual({
    ...{ problem: "not-unique", model: "Tag", key: '["t4"]', path: "tags.json", constraint: "tags_name_key" },
  });
  const message = { model: "Message", key: '["30"]', path: "chats/c2/messages.jsonl" };
  expect(problems).toContainEqual({ problem: "row-twice", ...message });
  expect(problems).toContainEqual({ problem: "row-misplaced", ...message });
});

test("a file that cannot be read, one that nobody knows and a content with other bytes are named", async () => {
  await edit("chats/c9/about.json", (text) => text.slice(0, -20));
  await edit("chats/c9/messages.jsonl", (text) => text.replace("{", "<"));
  touched.set("notes.txt", undefined);
  await writeFile(path("notes.txt"), "mine");
  const [row] = (await readFile(path("binaries/index.jsonl"), "utf8")).split("\n");
  const { $content } = (JSON.parse(row ?? "") as { put: { data: { $content: string } } }).put.data;
  await edit(`binaries/${$content}`, () => "other");
  const found = told(await verify());
  expect(found).toEqual(
    expect.arrayContaining([
      { problem: "file-damaged", path: "chats/c9/about.json" },
      { problem: "file-damaged", path: "chats/c9/messages.jsonl" },
      { problem: "file-unknown", path: "notes.txt" },
      expect.objectContaining({ problem: "content-differs", path: `binaries/${$content}` }),
      expect.objectContaining({ problem: "row-missing", model: "Chat", key: '["c9"]' }),
    ]),
  );
  await rm(path(`binaries/${$content}`));
  expect(told(await alone())).toContainEqual(
    expect.objectContaining({ problem: "content-missing", path: `binaries/${$content}` }),
  );
});

test("a torn last line that nobody committed is nothing, and a committed one is named", async () => {
  const name = "chats/c4/messages.jsonl";
  touched.set(name, await readFile(path(name)));
  await appendFile(path(name), '{"seq":9,"model":"Mess');
  expect((await verify()).problems).toEqual([]);
  await writeFile(path(name), touched.get(name) ?? "");
  await edit(name, (text) => text.slice(0, -30));
  expect(told(await alone())).toEqual([
    { problem: "head-differs", model: "Message" },
    { problem: "file-damaged", path: name },
  ]);
});

test("what a look finds while nobody writes is told, though the look before it could not see it", async () => {
  const write = async () => {
    await execute(database.address, "update tags set name = 'another' where id = 't2'");
    const session = await openSession(database.address, { application: "test" });
    await syncOnce({ session, store, feed: FEED });
    await session.close();
  };
  const damage = () => edit("chats/c7/about.json", (text) => text.replace('"Title 7"', '"Title seven"'));
  // The first look asks four times for the head before it reads files: what is written then is under way for it.
  const busy = behindHead(store, { 4: write, 6: damage });
  const found = await verifyStore({
    store: busy,
    database: { address: database.address, application: "test", feed: FEED },
  });
  expect(found.verified).toBe(false);
  expect(told(found)).toEqual([
    { problem: "row-differs", model: "Chat", key: '["c7"]', path: "chats/c7/about.json", columns: ["title"] },
    { problem: "head-differs", model: "Chat" },
  ]);
});

/** The store, where something happens right behind the nth time that somebody asks for its head. */
function behindHead(store: JsonStore, happens: Record<number, () => Promise<void>>): JsonStore {
  let asked = 0;
  const head = async () => {
    const was = await store.head();
    await happens[++asked]?.();
    return was;
  };
  return new Proxy(store, {
    get: (of, name) => {
      const own: unknown = Reflect.get(of, name, of);
      return name === "head" ? head : typeof own === "function" ? own.bind(of) : own;
    },
  });
}

test.each(["../settings/general.json", "../../outside", "", 7, null, { a: 1 }])(
  "a reference by hand to %j, which is no content's name, is named, and nothing is read there",
  async (name) => {
    await edit("binaries/index.jsonl", (text) =>
      text.replace(/"\$content": ?"[0-9a-f]{64}"/, `"$content":${JSON.stringify(name)}`),
    );
    const found = await verify();
    expect(found.verified).toBe(false);
    expect(told(found)).toContainEqual(
      expect.objectContaining({ problem: "row-invalid", model: "Image", path: "binaries/index.jsonl" }),
    );
  },
);

test("keys that do not fit into memory are looked at a part at a time, and the same is found", async () => {
  await edit("tags.json", (text) => text.replace('"id": "t3"', '"id": "t33"'));
  const [whole, parts] = [await alone(), await verifyStore({ store, keyBytes: 4_096 })];
  const sorted = (found: StoreVerification) =>
    told(found)
      .map((problem) => JSON.stringify(problem))
      .sort();
  expect(sorted(parts)).toEqual(sorted(whole));
  expect(parts.models).toEqual(whole.models);
});

test("a store that is not whole is not imported, and what lies in the way of an import stays", async () => {
  const { definition } = database;
  const place = await openPlace(folder);
  const target = await movedDatabase(CHATS_SQL, CHATS_YAML);
  const about = { address: target.address, application: "test", definition, place };
  try {
    await edit("chats/c7/about.json", (text) => text.replace('"Title 7"', '"Title seven"'));
    expect(await refusalOf(() => importStore(about))).toEqual({
      code: "StoreNotWhole",
      message: expect.stringContaining('rows of "Chat", and 30 were committed, with other values'),
      hint: "find every file that is concerned with: rehearsal store verify; nothing was imported",
    });
    await writeFile(path("chats/c7/about.json"), touched.get("chats/c7/about.json") ?? "");

    await execute(target.address, "insert into tags values ('mine', 'mine')");
    expect(await refusalOf(() => importStore(about))).toEqual({
      code: "StoreTargetTaken",
      message: expect.stringContaining('the table "public"."tags" of'),
      hint: expect.stringContaining("into empty tables"),
    });
    await execute(
      target.address,
      "create table notes (tag text references tags); insert into notes values ('mine')",
    );
    expect(await refusalOf(() => importStore({ ...about, replace: true }))).toEqual({
      code: "StoreTargetReferenced",
      message: 'public.notes refers to public.tags by "notes_tag_fkey", and no model has it',
      hint: expect.stringContaining("name it in store.yaml as a model as well"),
    });
    await execute(
      target.address,
      "drop table notes; alter table tags add column must text not null default 'x'",
    );
    await execute(target.address, "alter table tags alter must drop default");
    expect(await refusalOf(() => importStore({ ...about, replace: true }))).toEqual({
      code: "StoreTargetUnfit",
      message: expect.stringContaining('"public"."tags" has a column "must" that the store does not keep'),
      hint: "bring it to the release that the store was made of first; nothing was written",
    });
    await execute(
      target.address,
      `alter table tags drop column must;
       create function shout() returns trigger language plpgsql as $$ begin new.name = upper(new.name); return new; end $$;
       create trigger shout before insert on tags for each row execute function shout();
       alter table tags enable always trigger shout`,
    );
    expect(await refusalOf(() => importStore({ ...about, replace: true }))).toEqual({
      code: "StoreImportDiffers",
      message: expect.stringContaining("Tag would have 4 rows of 4, with other values"),
      hint: expect.stringContaining("ENABLE ALWAYS"),
    });
    // As in a restore, a trigger that is not ALWAYS stays silent; its state is as it was.
    await execute(target.address, "alter table tags enable trigger shout");
    expect((await importStore({ ...about, replace: true })).replaced).toBe(1);
    const next = await execute(
      target.address,
      "insert into messages (chat_id, body) values ('c1', 'next') returning id",
    );
    expect(next[0]?.rowCount).toBe(1);
    await execute(target.address, "insert into tags values ('new', 'loud')");
  } finally {
    await place.close();
    await dropDatabases(target.address);
  }
});
