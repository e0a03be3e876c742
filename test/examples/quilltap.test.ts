import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { compareBaselines } from "../../core/baseline.ts";
import { type DatabaseAddress, databaseUrl } from "../../core/database-url.ts";
import { feedMigration } from "../../core/feed-migration.ts";
import { tablesOf } from "../../core/inventory-shape.ts";
import { compareTables } from "../../core/inventory-tables.ts";
import type { Project } from "../../core/project.ts";
import { schemaLock, schemaLockText } from "../../core/schema-lock.ts";
import { schemaMarks } from "../../core/schema-marks.ts";
import { schemaPage } from "../../core/schema-page.ts";
import type { Shape } from "../../core/shape.ts";
import { modelsSource } from "../../core/store/models-source.ts";
import { ACTS, drawAct, sitDown } from "../../examples/quilltap/app/acts.ts";
import { models } from "../../examples/quilltap/app/models.generated.ts";
import { unseal } from "../../examples/quilltap/app/seal.ts";
import { fillProduction, PEPPER, secretOf, TABLES } from "../../examples/quilltap/generate.ts";
import { readBaseline } from "../../io/postgres/baseline.ts";
import { openSession, type Session } from "../../io/postgres/session.ts";
import { readShape } from "../../io/postgres/shape.ts";
import { openJsonStore } from "../../io/store/json-store.ts";
import { exportStore } from "../../io/store/move/export.ts";
import { syncOnce } from "../../io/store/move/sync.ts";
import { verifyStore } from "../../io/store/move/verify.ts";
import { openPlace } from "../../io/store/open-place.ts";
import { openStore } from "../../store/library.ts";
import { dropDatabases, execute, freshDatabase, newestServer, servers } from "../postgres.ts";
import { apply, exampleProject } from "./example-project.ts";

const INVENTORY = new URL("../../examples/quilltap/releases/2-inventory/", import.meta.url);
const MODELS = new URL("../../examples/quilltap/app/models.generated.ts", import.meta.url);
const MESSAGES = 1_000;

let address: DatabaseAddress;
let session: Session;
let first: Project;
let second: Project;
/** As release 1 makes it. */
let before: Shape;

beforeAll(async () => {
  address = await freshDatabase(newestServer());
  session = await openSession(address, { application: "test" });
  [first, second] = [await exampleProject("quilltap"), await exampleProject("quilltap", "2-inventory")];
  await apply(address, first);
  before = await readShape(session);
  await fillProduction(session, { messages: MESSAGES });
});

afterAll(async () => {
  await session.close();
  await dropDatabases(address);
});

/** The checks that find something, and how many rows. */
async function broken({ checks }: Project): Promise<Record<string, number>> {
  const found = await Promise.all(
    checks.map(async ({ name, sql }) => [name, (await execute(address, sql))[0]?.rowCount ?? 0] as const),
  );
  return Object.fromEntries(found.filter(([, rows]) => rows > 0));
}

test("each item of the checklist is a check that holds, and finds what it is for", async () => {
  expect(await broken(first)).toEqual({});
  for (const [name, spoil, mend] of SPOILT) {
    await execute(address, spoil);
    expect(Object.keys(await broken(first)), name).toContain(name);
    await execute(address, mend);
  }
  expect(await broken(first)).toEqual({});
  expect(first.checks.map(({ name }) => name)).toEqual(SPOILT.map(([name]) => name).sort());
});

const SPOILT: [check: string, spoil: string, mend: string][] = [
  ["all_23_models_are_there", "create table strays (id int)", "drop table strays"],
  [
    "attachments_stay_in_their_chat",
    `create table kept as select id, "chatId" from chat_files;
      update chat_files f set "chatId" = (select min(id) from chats where id <> f."chatId")`,
    `update chat_files f set "chatId" = k."chatId" from kept k where k.id = f.id; drop table kept`,
  ],
  ["binaries_are_what_they_say", "update images set size = size + 1", "update images set size = size - 1"],
  [
    "cascade_rules_are_the_frozen_ones",
    `alter table accounts drop constraint "accounts_userId_fkey",
      add constraint "accounts_userId_fkey" foreign key ("userId") references users on update cascade`,
    `alter table accounts drop constraint "accounts_userId_fkey",
      add constraint "accounts_userId_fkey" foreign key ("userId") references users on update cascade on delete cascade`,
  ],
  [
    "image_tags_point_at_something",
    `update image_tags set "tagId" = "tagId" || '?' where "tagType" <> 'THEME'`,
    `update image_tags set "tagId" = rtrim("tagId", '?')`,
  ],
  [
    "json_is_of_its_kind",
    "update image_profiles set parameters = jsonb_build_array(parameters)",
    "update image_profiles set parameters = parameters -> 0",
  ],
  [
    "one_default_for_each",
    `update image_profiles set "isDefault" = not "isDefault"; update image_profiles set "isDefault" = true`,
    `update image_profiles set "isDefault" = name in ('Pictures 1', 'Pictures 2')`,
  ],
  [
    "secrets_are_sealed",
    `update api_keys set "keyEncrypted" = 'sk-' || "keyEncrypted"`,
    `update api_keys set "keyEncrypted" = substr("keyEncrypted", 4)`,
  ],
  [
    "tags_are_told_apart_by_letters",
    `update tags set "nameLower" = name`,
    `update tags set "nameLower" = lower(name)`,
  ],
  [
    "vectors_are_used_once",
    `create table kept as select id, "keyIv" from api_keys; update api_keys set "keyIv" = repeat('0', 24)`,
    `update api_keys a set "keyIv" = k."keyIv" from kept k where k.id = a.id; drop table kept`,
  ],
];

test("secrets open with the pepper and with nothing else", async () => {
  const keys = await session.query<{ n: string; user: string; text: string; iv: string; tag: string }>(
    `select split_part(label, ' ', 3) as n, "userId" as user, "keyEncrypted" as text, "keyIv" as iv, "keyAuthTag" as tag from public.api_keys`,
  );
  expect(keys.length).toBeGreaterThan(0);
  for (const { n, user, ...sealed } of keys) {
    expect(unseal(PEPPER, user, sealed)).toBe(secretOf("api key", Number(n)));
    expect(() => unseal("another pepper", user, sealed)).toThrow();
  }
});

test("the generator draws the same rows on every server", async () => {
  const addresses = await Promise.all(servers.map((server) => freshDatabase(server)));
  const [known, ...others] = await Promise.all(
    addresses.map(async (address) => {
      await apply(address, first);
      const own = await openSession(address, { application: "test" });
      try {
        await fillProduction(own, { messages: MESSAGES });
        return await readBaseline(own);
      } finally {
        await own.close();
      }
    }),
  );
  if (known === undefined) throw new Error("no server runs");
  for (const other of [await readBaseline(session), ...others])
    expect(compareBaselines(known, other)).toEqual([]);
  expect(Object.keys(known.tables)).toHaveLength(23);
  expect(Object.values(known.tables).every(({ rows }) => rows > 0)).toBe(true);
  await dropDatabases(...addresses);
});

test("the frozen schema is what the migrations make, and the inventory says what each column holds", async () => {
  await apply(address, second, first.migrations.length);
  const shape = await readShape(session);
  const lock = schemaLock(shape, schemaMarks(second.inventory));
  // Written anew by this test, run with --update.
  await expect(schemaLockText(lock)).toMatchFileSnapshot(
    fileURLToPath(new URL("schema.lock.json", INVENTORY)),
  );
  await expect(schemaPage(lock)).toMatchFileSnapshot(fileURLToPath(new URL("schema.md", INVENTORY)));
  expect(compareTables(second.inventory, tablesOf(shape)).map(({ says }) => says)).toEqual([]);
  expect(await broken(second)).toEqual({});
  await execute(address, "alter table tags enable trigger _record_change");
  expect(await broken(second)).toEqual({ the_feed_follows_every_model: 1 });
  await execute(address, "alter table tags enable always trigger _record_change");
});

test("the feed's migration and the application's models are what the commands write", async () => {
  const [feed] = second.migrations.slice(first.migrations.length);
  const lock = schemaLock(before, schemaMarks(first.inventory));
  expect(feed?.sql).toBe(feedMigration(lock, "changes", TABLES).sql);
  if (second.store === undefined) throw new Error("the example has no store.yaml");
  // Written anew by this test, run with --update.
  await expect(modelsSource(second.store)).toMatchFileSnapshot(fileURLToPath(MODELS));
});

test("each of the 23 models lies where the plan of the move says, and the feed alone stays behind", () => {
  const files = Object.fromEntries((second.store?.models ?? []).map(({ name, file }) => [name, file]));
  expect(files).toEqual(TARGETS);
  const encrypted = (second.store?.models ?? []).flatMap(({ name, columns }) =>
    columns.filter((one) => one.encrypted).map((one) => `${name}.${one.name}`),
  );
  expect(encrypted).toEqual([
    "ApiKey.keyEncrypted",
    "User.passwordHash",
    "User.totpSecret",
    "User.backupCodes",
  ]);
});

const CONNECTIONS = "settings/connection-profiles.json";

/** The schema summary of the move's plan, as it was given. */
const TARGETS = {
  ...{ User: "settings/general.json", ChatSettings: "settings/general.json" },
  ...{ Account: "auth/accounts.json", Session: "auth/sessions.jsonl" },
  VerificationToken: "auth/verification-tokens.jsonl",
  ...{ ApiKey: CONNECTIONS, ConnectionProfile: CONNECTIONS, ConnectionProfileTag: CONNECTIONS },
  ...{ Character: "characters/{id}.json", Persona: "personas/{id}.json" },
  ...{ CharacterPersona: "characters/{characterId}.json", CharacterTag: "characters/{characterId}.json" },
  PersonaTag: "personas/{personaId}.json",
  ...{ Chat: "chats/index.jsonl", ChatTag: "chats/index.jsonl", ChatAvatarOverride: "chats/index.jsonl" },
  Message: "chats/{chatId}.jsonl",
  ...{ ChatFile: "binaries/index.jsonl", Image: "binaries/index.jsonl", ImageTag: "binaries/index.jsonl" },
  ImageProfile: "image-profiles/image-profiles.json",
  ImageProfileTag: "image-profiles/image-profiles.json",
  Tag: "tags/tags.json",
};

test("people who write into both while the store follows leave both equal, and no token uncounted", async () => {
  const folder = await mkdtemp(join(tmpdir(), "quilltap-"));
  const definition = models;
  const at = { application: "test", address, feed: "public.changes" };
  const place = await openPlace(join(folder, "store"));
  await exportStore({ ...at, id: "once", definition, place });
  const follower = await openJsonStore({ place, definition, as: "follower" });
  const differences: unknown[] = [];
  const dual = await openStore({
    ...{ models, backend: "dual", database: databaseUrl(address), place: join(folder, "store") },
    ...{ compare: "always", onDifference: (one) => differences.push(one) },
  });
  const before = await tokensUsed();
  const desk = await sitDown(dual, PEPPER);
  let tokens = 0;
  const work = async (acts: string[]) => {
    for (const act of acts) {
      const done = await ACTS[act]?.act(desk);
      tokens += done?.tokens ?? 0;
    }
  };
  await Promise.all([
    work(Object.keys(ACTS)),
    work(Object.keys(ACTS).reverse()),
    work(Array.from({ length: 12 }, drawAct)),
    syncOnce({ session, store: follower, feed: at.feed }),
  ]);
  await dual.close();
  await syncOnce({ session, store: follower, feed: at.feed });
  const found = await verifyStore({ store: follower, database: at });
  expect({ problems: found.problems, differences }).toEqual({ problems: [], differences: [] });
  expect((await tokensUsed()) - before).toBe(BigInt(tokens));
  expect(await broken(second)).toEqual({});

  // The application goes on with the files alone.
  await follower.setState("following", "canonical");
  const json = await openStore({ models, backend: "json", place: join(folder, "store") });
  const alone = await sitDown(json, PEPPER);
  for (const { act } of Object.values(ACTS)) await act(alone);
  await json.close();
  expect((await verifyStore({ store: follower })).problems).toEqual([]);
  await follower.close();
  await rm(folder, { recursive: true });
});

async function tokensUsed(): Promise<bigint> {
  const [row] = await session.query<{ used: string }>(
    `select sum("tokensUsed")::text as used from public.connection_profiles`,
  );
  return BigInt(row?.used ?? 0);
}
