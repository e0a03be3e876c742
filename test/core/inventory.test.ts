import { expect, test } from "vitest";
import { parseInventory, placeIn, protectedTables } from "../../core/inventory.ts";
import { guessColumn } from "../../core/inventory-guess.ts";
import { inventoryLines } from "../../core/inventory-lines.ts";
import { isIgnored, parseTableKey, tableKey } from "../../core/inventory-names.ts";
import { type LiveTable, tablesOf } from "../../core/inventory-shape.ts";
import { compareTables } from "../../core/inventory-tables.ts";
import type { Shape } from "../../core/shape.ts";
import { refusalOf } from "../refusal.ts";

const read = (text: string) => parseInventory(Buffer.from(text));

const INVENTORY = `owner: the platform team
tables:
  users:
    purpose: accounts and login identity
    classification: personal
    columns:
      id:
      email: personal
      password_hash: { classification: secret, encrypted: argon2id }
      preferences: { json: true }
    notesOnChange: whoever is logged in is logged out
  billing."odd.name":
    purpose: invoices
    owner: accounting
    classification: confidential
    columns: { id: internal }
ignore: [jobs_*]
storage: [media/, { prefix: logs/, keep: never-delete, purpose: runtime logs }]
configuration:
  - { name: .env, capture: "s3://selenite-configuration/{environment}/.env*" }
  - { name: nginx.conf, capture: manual, recorded: "the vault, selenite/nginx" }
state:
  roleFile: file:/srv/selenite/.workspace-role
  stateFile: { at: "s3://selenite/{role}/.workspace-state.json", note: kept by Rehearsal }
`;

test("an inventory is read whole: each column has its own classification or its table's", () => {
  const inventory = read(INVENTORY);
  expect(inventory.tables).toMatchObject([
    {
      key: "users",
      schema: "public",
      name: "users",
      owner: "the platform team",
      columns: [
        { name: "id", classification: "personal" },
        { name: "email", classification: "personal" },
        { name: "password_hash", classification: "secret", encrypted: "argon2id" },
        { name: "preferences", classification: "personal", json: true },
      ],
    },
    { schema: "billing", name: "odd.name", owner: "accounting", columns: [{ classification: "internal" }] },
  ]);
  expect(inventory.storage).toEqual([
    { prefix: "media/" },
    { prefix: "logs/", keep: "never-delete", purpose: "runtime logs" },
  ]);
  expect(inventory.state).toEqual({
    roleFile: { at: "file:/srv/selenite/.workspace-role" },
    stateFile: { at: "s3://selenite/{role}/.workspace-state.json", note: "kept by Rehearsal" },
  });
  expect(placeIn("s3://b/{environment}/{role}/x", { name: "prod-eu", role: "prod" })).toBe(
    "s3://b/prod-eu/prod/x",
  );
  expect(protectedTables(inventory)).toEqual(new Set(['"public"."users"']));
  expect(protectedTables(read(`protected: [internal]\n${INVENTORY}`))).toEqual(
    new Set(['"billing"."odd.name"']),
  );
});

test("without tables the inventory is silent about them, whatever else it says", () => {
  for (const inventory of [parseInventory(undefined), read(""), read("storage: [media/]")]) {
    expect(inventory.tables).toBeUndefined();
    expect(inventory.configuration).toBeUndefined();
    expect(compareTables(inventory, [{ schema: "public", name: "users", columns: [] }])).toEqual([]);
  }
});

test.each([
  ["tabels: {}", 'tabels: the key is not known, did you mean "tables"?'],
  [
    "tables: { a: { purpos: x, purpose: x, classification: public } }",
    'tables.a.purpos: the key is not known, did you mean "purpose"?',
  ],
  ["tables: { a: { purpose: x, classification: private } }", "tables.a.classification: Invalid option"],
  ["tables: { a: { purpose: x, classification: public } }", "tables.a.owner: say who answers for it"],
  [
    "owner: x\ntables: { a: { purpose: TODO, classification: public } }",
    "tables.a.purpose: this is still to be said",
  ],
  [
    "owner: x\ntables: { a: { purpose: x, classification: public, columns: { b: { encryptd: true } } } }",
    'tables.a.columns.b.encryptd: the key is not known, did you mean "encrypted"?',
  ],
  [
    "owner: x\ntables: { a: { purpose: x, classification: public, columns: { b: privat } } }",
    "tables.a.columns.b: Invalid option",
  ],
  [
    "owner: x\ntables: { a: { purpose: x, classification: public }, public.a: { purpose: x, classification: public } }",
    'tables.public.a: it is the same table as "a"',
  ],
  ["owner: x\ntables: { a.b.c: { purpose: x, classification: public } }", "tables.a.b.c: a table's name is"],
  ["storage: [{ prefix: a/, keeps: x }]", 'storage.0.keeps: the key is not known, did you mean "keep"?'],
  ["configuration: [{ name: x, capture: manual }]", "configuration.0.recorded: say where the copy"],
  ["configuration: [{ name: x, capture: /etc/x }]", "configuration.0.capture"],
  ["state: { roleFil: file:/x }", 'state.roleFil: the key is not known, did you mean "roleFile"?'],
  ["state: { stateFile: secret:x }", "state.stateFile: one object or one file"],
  ["state: { stateFile: file:/srv/.env* }", "state.stateFile: one object or one file"],
])("an inventory that is wrong is refused with the place and what was meant: %s", async (text, problem) => {
  expect(await refusalOf(() => read(text))).toMatchObject({
    code: "ConfigInvalid",
    message: expect.stringContaining(problem),
    hint: expect.stringMatching(/./),
  });
});

test("tables are named as the catalog has them, in quotes only where a name has a dot or a quote", () => {
  for (const table of [
    { schema: "public", name: "users" },
    { schema: "public", name: "Odd Name" },
    { schema: "billing", name: "invoices" },
    { schema: "a.b", name: 'c"d' },
  ])
    expect(parseTableKey(tableKey(table))).toEqual(table);
  for (const key of ["", ".", "a.", "a.b.c", '"a', "a..b"]) expect(parseTableKey(key)).toBeUndefined();
  expect(isIgnored({ schema: "public", name: "events_2026" }, ["events_*"])).toBe(true);
  expect(isIgnored({ schema: "public", name: "events_2026" }, ["public.events*"])).toBe(true);
  expect(isIgnored({ schema: "audit", name: "events_2026" }, ["events_*"])).toBe(false);
});

const column = (name: string, type = "text") => ({ name, type });
const USERS: LiveTable = {
  schema: "public",
  name: "users",
  columns: [column("id", "bigint"), column("email"), column("password_hash"), column("preferences", "jsonb")],
};
const ODD: LiveTable = { schema: "billing", name: "odd.name", columns: [column("id", "bigint")] };

test("where tables and columns are as declared there is no problem, and what is ignored needs no entry", () => {
  const jobs = { schema: "public", name: "jobs_2026", columns: [column("id")] };
  expect(compareTables(read(INVENTORY), [USERS, ODD, jobs])).toEqual([]);
});

test("what is undeclared, gone or of another type is told with the exact lines to add and to remove", () => {
  const users = {
    ...USERS,
    columns: [
      column("id", "jsonb"),
      column("password_hash", "integer"),
      column("preferences"),
      column("totp_secret", "bytea"),
      column("address", "jsonb"),
    ],
  };
  const sessions = {
    schema: "public",
    name: "sessions",
    comment: "who is\nlogged in",
    columns: [column("id", "uuid"), column("token_hash", "bytea"), column("__proto__")],
  };
  const problems = compareTables(read(INVENTORY), [users, sessions]);
  expect(problems.map(({ says }) => says)).toEqual([
    "the column users.id is jsonb, and not declared as JSON",
    "the column users.password_hash is declared as encrypted, and is integer, which holds no ciphertext",
    "the column users.preferences is declared as JSON, and is text",
    "the column users.totp_secret is not declared",
    "the column users.address is not declared",
    "the column users.email is declared, and there is none",
    "the table sessions is not declared",
    'the table billing."odd.name" is declared, and there is none',
  ]);
  expect(inventoryLines(problems.flatMap(({ changes }) => changes))).toBe(
    `  tables:
    users:
      columns:
-       id:
+       id:
+         json: true
-       password_hash:
-         classification: secret
-         encrypted: argon2id
+       password_hash: secret
-       preferences:
-         json: true
+       preferences:
+       totp_secret: secret
+       address:
+         classification: personal
+         json: true
-       email:
+   sessions:
+     purpose: who is logged in
+     classification: internal
+     columns:
+       id:
+       token_hash: secret
+       __proto__:
-   billing."odd.name":
-     purpose: invoices
-     classification: confidential
-     …:`,
  );
});

test("the lines to add, added, leave no problem, whatever the names", () => {
  const odd = ["__proto__", "constructor", "a: b", "null", "-", "ü\u202e", " ", "#"].map((name) =>
    column(name),
  );
  const hostile = { ...USERS, columns: [...USERS.columns, ...odd], comment: "accounts" };
  const proto = { ...USERS, name: "__proto__", comment: "a table" };
  const problems = compareTables(read("owner: x\ntables: {}"), [hostile, proto]);
  const added = inventoryLines(problems.flatMap(({ changes }) => changes))
    .split("\n")
    .map((line) => line.slice(2))
    .join("\n");
  expect(compareTables(read(`owner: x\n${added}`), [hostile, proto])).toEqual([]);
});

test("partitions are their parent's, and a domain is what it is made of", () => {
  const shape: Shape = {
    format: "rehearsal-shape/1",
    objects: {
      "domain public.email": { type: "public.address" },
      "domain public.address": { type: "text" },
      "table public.events": {
        schema: "public",
        name: "events",
        comment: "what happened",
        columns: { by: { type: "public.email", comment: "who" }, id: { type: "bigint" } },
        order: ["id", "by"],
      },
      "table public.events_1": {
        schema: "public",
        name: "events_1",
        columns: {},
        partitionOf: "public.events",
      },
      "view public.seen": { schema: "public", name: "seen", columns: {} },
    },
  };
  expect(tablesOf(shape)).toEqual([
    {
      schema: "public",
      name: "events",
      comment: "what happened",
      columns: [
        { name: "id", type: "bigint" },
        { name: "by", type: "text", comment: "who" },
      ],
    },
  ]);
});

test.each([
  ["email", "text", "personal"],
  ["userEmail", "text", "personal"],
  ["password_hash", "text", { classification: "secret", encrypted: true }],
  ["key_encrypted", "bytea", { classification: "secret", encrypted: true }],
  ["totp_secret", "text", "secret"],
  ["totp_confirmed_at", "timestamp with time zone", null],
  ["code_hash", "text", "secret"],
  ["birth_date", "date", "personal"],
  ["refresh_token", "text", "secret"],
  ["token_count", "integer", null],
  ["ssn", "text", "personal"],
  ["metadata", "jsonb", { json: true }],
  ["title", "text", null],
])("a draft guesses %s (%s) as %j", (name, type, guess) => {
  expect(guessColumn({ name, type })).toEqual(guess);
});
