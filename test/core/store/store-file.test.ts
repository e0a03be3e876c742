/** store.yaml against a schema lock: what it makes, and what it is refused for. */
import { expect, test } from "vitest";
import type { Json } from "../../../core/canonical-json.ts";
import { digestOf } from "../../../core/digest.ts";
import { checkProject } from "../../../core/project.ts";
import { buildBundle } from "../../../core/release.ts";
import { schemaLockText } from "../../../core/schema-lock.ts";
import { loadOrder, pointersTo } from "../../../core/store/relations.ts";
import { parseStoreFile } from "../../../core/store/store-file.ts";
import { refusalOf } from "../../refusal.ts";
import { definitionOf, type LockParts, lockOf, pointer } from "./a-definition.ts";

const key = (columns = "id") => ({ pkey: `PRIMARY KEY (${columns})` });

const CHATS: LockParts = {
  enums: { 'public."Role"': ["USER", "TOOL"] },
  tables: {
    "public.users": {
      columns: { id: "uuid", email: "text", secret: { type: "text", nullable: true, encrypted: true } },
      constraints: { ...key(), users_email_key: "UNIQUE (email)" },
    },
    'public."Chat"': {
      columns: { id: "uuid", user_id: "uuid", title: "character varying(20)?" },
      constraints: { ...key(), title_check: "CHECK ((title <> ''::text))" },
      indexes: {
        "public.chat_user": 'CREATE INDEX chat_user ON public."Chat" USING btree (user_id DESC, title)',
        "public.chat_title":
          'CREATE UNIQUE INDEX chat_title ON public."Chat" USING btree (lower((title)::text))',
        'public."chat Open"':
          'CREATE UNIQUE INDEX "chat Open" ON public."Chat" USING btree (user_id, title) INCLUDE (id) NULLS NOT DISTINCT',
      },
    },
    "public.messages": {
      columns: {
        id: { type: "bigint", nullable: false, identity: "always" },
        chat_id: "uuid",
        role: { type: 'public."Role"', nullable: false, default: "'USER'::public.\"Role\"" },
        body: "public.words",
        length: { type: "integer", nullable: true, generated: "length(body)" },
        data: "bytea?",
        at: "timestamp(3) with time zone",
        tags: "public.words[]?",
        cost: { type: "numeric(10,2)", nullable: false, default: "0" },
      },
      constraints: key(),
    },
    "public.messages_old": { columns: { id: "bigint" }, more: { partitionOf: "public.messages" } },
    "public.changes": { columns: { position: "bigint" } },
  },
  relations: [
    pointer('public."Chat"', "user_id", "public.users"),
    pointer("public.messages", "chat_id", 'public."Chat"', "set null (chat_id)"),
    pointer("public.messages", "length", 'public."Chat"'),
  ],
  others: {
    "domain public.words": { type: "text", notNull: true },
    "constraint short on public.words": { definition: "CHECK (VALUE <> '')" },
    "trigger record_change on public.messages": { definition: "CREATE TRIGGER …" },
  },
};

const YAML = `
models:
  User: { file: settings/general.json }
  Chat: { table: '"Chat"', file: "chats/{id}.json" }
  Message: { file: "chats/{chat_id}.jsonl", content: { data: "binaries/{sha256}" } }
leave: [changes]
`;

test("a definition is made of store.yaml and the lock", () => {
  const definition = definitionOf(YAML, CHATS);
  const [chat, message, user] = definition.models;
  expect(definition.models.map(({ name }) => name)).toEqual(["Chat", "Message", "User"]);
  expect(user).toMatchObject({
    ...{ schema: "public", table: "users", key: ["id"], file: "settings/general.json", notCarried: [] },
    unique: [{ name: "users_email_key", columns: ["email"] }],
    columns: [{ name: "id" }, { name: "email" }, { name: "secret", encrypted: true, nullable: true }],
  });
  expect(chat).toMatchObject({
    table: "Chat",
    indexes: [{ name: "chat_user", columns: ["user_id", "title"] }],
    unique: [{ name: "chat Open", columns: ["user_id", "title"], nullsNotDistinct: true }],
    relations: [
      { name: '"Chat"_user_id_fkey', references: "User", onDelete: "cascade", onUpdate: "no action" },
    ],
  });
  expect(chat?.notCarried).toEqual([
    `the constraint "title_check": CHECK ((title <> ''::text))`,
    expect.stringContaining('the unique index "chat_title": CREATE UNIQUE INDEX chat_title'),
  ]);
  expect(message?.columns).toEqual([
    { name: "id", type: "bigint", of: { kind: "int8" }, nullable: false },
    { name: "chat_id", type: "uuid", of: { kind: "uuid" }, nullable: false },
    {
      ...{ name: "role", type: 'public."Role"', nullable: false, default: "USER" },
      of: { kind: "enum", labels: ["USER", "TOOL"] },
    },
    { name: "body", type: "public.words", of: { kind: "text" }, nullable: false },
    { name: "data", type: "bytea", of: { kind: "bytea" }, nullable: true },
    {
      name: "at",
      type: "timestamp(3) with time zone",
      of: { kind: "timestamptz", digits: 3 },
      nullable: false,
    },
    // An array of a domain stays the server's text.
    { name: "tags", type: "public.words[]", of: { kind: "other" }, nullable: true },
    {
      ...{ name: "cost", type: "numeric(10,2)", nullable: false, default: "0.00" },
      of: { kind: "numeric", precision: 10, scale: 2 },
    },
  ]);
  expect(message?.relations).toEqual([
    expect.objectContaining({ references: "Chat", onDelete: "set null", onDeleteColumns: ["chat_id"] }),
  ]);
  expect(message?.notCarried).toEqual([
    'the generated column "length"',
    'the foreign key "messages_length_fkey" to public."Chat", by a generated column',
    "the checks of the domain public.words",
    'the trigger "record_change"',
  ]);
});

test("foreign keys that hold rows to more, or to less, than a store does are named", () => {
  const parts: LockParts = {
    tables: {
      "public.parts": { columns: { a: "text", b: "text" }, constraints: key("a, b") },
      "public.uses": { columns: { id: "uuid", a: "text?", b: "text?", c: "text?" }, constraints: key() },
    },
    relations: [
      {
        ...pointer("public.uses", "a", "public.parts"),
        ...{ columns: ["a", "b"], referencedColumns: ["a", "b"], match: "full" },
      },
      { ...pointer("public.uses", "c", "public.uses"), notEnforced: true },
    ],
  };
  const yaml = "models: { Part: { table: parts, file: a.json }, Use: { table: uses, file: b.json } }";
  const use = definitionOf(yaml, parts).models.find(({ name }) => name === "Use");
  expect(use?.relations).toEqual([expect.objectContaining({ references: "Part" })]);
  expect(use?.notCarried).toEqual([
    'the foreign key "uses_c_fkey" to public.uses, which is not enforced',
    'MATCH FULL of the foreign key "uses_a_fkey": columns that are filled in part',
  ]);
});

test("what is pointed at is loaded first, and circles together", () => {
  const definition = definitionOf(YAML, CHATS);
  const names = (groups: { name: string }[][]) => groups.map((group) => group.map(({ name }) => name));
  expect(names(loadOrder(definition))).toEqual([["User"], ["Chat"], ["Message"]]);
  expect(
    pointersTo(definition)
      .get("Chat")
      ?.map(({ from }) => from.name),
  ).toEqual(["Message"]);
  const circle = definitionOf(YAML, {
    ...CHATS,
    relations: [...(CHATS.relations ?? []), pointer("public.users", "id", 'public."Chat"')],
  });
  expect(names(loadOrder(circle))).toEqual([["Chat", "User"], ["Message"]]);
});

test.each<[why: string, yaml: string, told: string]>([
  ["a table without a model", YAML.replace("leave: [changes]", ""), "the table changes has no model"],
  [
    "a table that is left and kept",
    YAML.replace("[changes]", "[changes, users]"),
    "leave: users is the model User",
  ],
  ["a model of no table", YAML.replace("User:", "Person:"), "models.Person: no one table is called like it"],
  [
    "a table that is not there",
    YAML.replace("'\"Chat\"'", "chat"),
    "models.Chat.table: there is no table chat",
  ],
  [
    "two models of a table",
    `${YAML}`.replace("User:", "Users: { file: a.json }\n  User:"),
    "is of users already",
  ],
  ["a key that is not known", YAML.replace("file: settings", "flie: settings"), 'did you mean "file"?'],
  [
    "a placeholder that may be NULL",
    YAML.replace("{id}", "{title}"),
    '"title" is no column that is never NULL',
  ],
  ["a path that leads out", YAML.replace("settings/", "../"), '".." is no name of letters'],
  ["a path from the root", YAML.replace("settings/", "/"), '"" is no name of letters'],
  ["a hidden file", YAML.replace("settings/general", ".general"), '".general.json" is no name of letters'],
  [
    "the store's own head",
    YAML.replace("settings/general.json", "head.json"),
    '"head.json" is the store\'s own',
  ],
  ["the store's own folder", YAML.replace("settings/", "Cache/"), '"Cache" is the store\'s own'],
  ["a name of Windows", YAML.replace("settings/general", "aux"), '"aux.json" is a name that Windows keeps'],
  ["another ending", YAML.replace("general.json", "general.txt"), 'ends neither in ".json" nor in ".jsonl"'],
  ["a content without its hash", YAML.replace("{sha256}", "{id}"), "it holds {sha256} once"],
  [
    "content that is no bytea",
    YAML.replace("{ data:", "{ body:"),
    "models.Message.content.body: it is no column of bytea",
  ],
  [
    "paths that differ in capitals alone",
    YAML.replace("settings/general.json", '"Chats/{email}.json"'),
    '"chats/{id}.json" and "Chats/{email}.json" would stand in each other\'s way',
  ],
  [
    "a file where a folder is",
    YAML.replace("binaries/{sha256}", "chats/{sha256}").replace(
      '"chats/{chat_id}.jsonl"',
      '"chats/{chat_id}/all.jsonl"',
    ),
    "would stand in each other's way in a folder",
  ],
  ["a model called as no type is", YAML.replace("User:", "user-x:"), "a model is named as a type is"],
])("%s is refused, with what to mend", async (_why, yaml, told) => {
  expect(yaml).not.toBe(YAML);
  const refusal = await refusalOf(() => definitionOf(yaml, CHATS));
  expect(refusal).toMatchObject({ code: "ConfigInvalid", message: expect.stringContaining(told) });
  expect(refusal.hint).toContain("docs/schemas/store.schema.json");
});

test.each<[why: string, table: LockParts["tables"][string], told: string]>([
  ["no primary key", { columns: { id: "uuid" } }, "has no primary key"],
  [
    "a primary key that waits",
    { columns: { id: "uuid" }, constraints: { a_pkey: "PRIMARY KEY (id) DEFERRABLE INITIALLY DEFERRED" } },
    "is deferrable",
  ],
  ["a key of JSON", { columns: { id: "jsonb" }, constraints: key() }, "two texts may be one value"],
  ["a key of lists", { columns: { id: "integer[]" }, constraints: key() }, "two texts may be one value"],
  ["a key of spans", { columns: { id: "interval" }, constraints: key() }, "two texts may be one value"],
  ["a key of ranges", { columns: { id: "numrange" }, constraints: key() }, "two texts may be one value"],
  [
    "a generated key",
    { columns: { id: { type: "uuid", nullable: false, generated: "x" } }, constraints: key() },
    'its key has the generated column "id"',
  ],
  ["a parent", { columns: { id: "uuid" }, constraints: key(), more: { inherits: ["public.b"] } }, "inherits"],
])("a table with %s cannot be a model", async (_why, table, told) => {
  const refusal = await refusalOf(() =>
    definitionOf("models: { Thing: { file: things.json } }", { tables: { "public.things": table } }),
  );
  expect(refusal).toMatchObject({ code: "ConfigInvalid", message: expect.stringContaining(told) });
});

test("without a schema lock there are no models to make", async () => {
  const refusal = await refusalOf(() => parseStoreFile(Buffer.from(YAML), undefined));
  expect(refusal).toMatchObject({
    code: "ConfigInvalid",
    message: expect.stringContaining("schema.lock.json"),
  });
});

test("store.yaml is part of a release, and one that does not hold is refused before it is made", async () => {
  const file = (path: string, text: string) => ({ path, bytes: Buffer.from(text) });
  const sql = "create table public.things (id uuid primary key);";
  const files = [file("rehearsal.yaml", "project: things\n"), file("migrations/0001_things.sql", sql)];
  const lock = lockOf({ tables: { "public.things": { columns: { id: "uuid" }, constraints: key() } } });
  const { tables, relations, enums, views, functions, others } = lock;
  const promised = { tables, relations, enums, views, functions, others };
  const whole = { ...lock, fingerprint: digestOf(promised as unknown as Json) };
  const store = file("store.yaml", "models: { Thing: { file: things.json } }");
  const project = await checkProject([...files, store, file("schema.lock.json", schemaLockText(whole))]);
  expect(project.store).toMatchObject({
    schema: whole.fingerprint,
    models: [{ name: "Thing", key: ["id"] }],
  });
  expect(buildBundle([...files, store]).manifest.files.map(({ path }) => path)).toContain("store.yaml");
  const refusal = await refusalOf(() => checkProject([...files, store]));
  expect(refusal).toMatchObject({
    code: "ConfigInvalid",
    message: expect.stringContaining("rehearsal schema"),
  });
  expect(refusal.hint).toContain("docs/schemas/store.schema.json");
  expect((await checkProject(files)).store).toBeUndefined();
});
