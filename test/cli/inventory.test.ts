import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { CreateBucketCommand, PutBucketVersioningCommand, S3Client } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, expect, test } from "vitest";
import { databaseUrl } from "../../core/database-url.ts";
import { openObjectStore } from "../../io/object-store.ts";
import { type CommandWorld, openCommandWorld } from "./command.ts";

const SCHEMA = `
create table users (id bigint primary key, email text not null, "password_hash" text, preferences jsonb);
comment on table users is 'accounts and login identity';
create schema billing;
create table billing."odd: ""name""" (id int, "a.b" text);
create table events (at date not null) partition by range (at);
create table events_2026 partition of events for values from ('2026-01-01') to ('2027-01-01');
insert into users select i, 'u' || i, 'x', '{}' from generate_series(1, 1200) i;
insert into events select date '2026-01-01' + i from generate_series(1, 30) i;
`;

let world: CommandWorld;
let folder: string;

beforeAll(async () => {
  world = await openCommandWorld();
  folder = await world.folder({ "rehearsal.yaml": "project: library\n" });
  const client = new S3Client({});
  await client.send(new CreateBucketCommand({ Bucket: "library" }));
  const VersioningConfiguration = { Status: "Enabled" as const };
  await client.send(new PutBucketVersioningCommand({ Bucket: "library", VersioningConfiguration }));
  client.destroy();
  const store = openObjectStore({ bucket: "library" });
  for (const key of ["prod/media/1.mp4", "prod/media/2.mp4", "prod/logs/1.txt", "dev/media/1.mp4"])
    await store.put(key, Buffer.from(key));
  store.close();
  const made = await world.call("POST", "/environments", {
    ...{ name: "prod", role: "prod", url: databaseUrl(await world.target(SCHEMA)) },
    policy: {
      storage: { bucket: "library", root: "prod/", prefixes: ["media/"] },
      configuration: ["s3://library-configuration/prod/.env*"],
    },
  });
  expect(made.status).toBe(201);
});

afterAll(() => world.close());

const run = (...words: string[]) => world.run(["inventory", ...words], { folder });
const inventory = () => readFile(join(folder, "inventory.yaml"), "utf8");

test("init drafts all that can be read, marks what a person has to say, and writes nothing over", async () => {
  expect(await run("init", "prod")).toMatchObject({
    exit: 0,
    out: expect.stringContaining("3 tables drafted"),
  });
  const draft = await inventory();
  expect(draft).toMatch(/^# yaml-language-server: \$schema=/);
  for (const line of [
    "owner: TODO",
    "  users:\n    purpose: accounts and login identity",
    "      email: personal",
    "      password_hash:\n        classification: secret\n        encrypted: true",
    "      preferences:\n        json: true",
    "  - prefix: media/",
    "  - prefix: logs/",
    "    capture: s3://library-configuration/{environment}/.env*",
  ])
    expect(draft).toContain(line);
  const again = await world.json<{ error: object }>(["inventory", "init", "prod"], { folder });
  expect(again).toMatchObject({ exit: 2, value: { error: { code: "OutputExists" } } });
  const unsaid = await world.json<{ error: object }>(["inventory", "check", "prod"], { folder });
  expect(unsaid).toMatchObject({
    exit: 2,
    value: { error: { code: "ConfigInvalid", hint: expect.stringContaining("inventory.schema.json") } },
  });
  await writeFile(join(folder, "inventory.yaml"), draft.replaceAll("TODO", "said"));
  expect(await run("check", "prod")).toMatchObject({
    exit: 0,
    out: 'inventory.yaml says what "prod" holds\n',
  });
});

test("check tells what departs with the lines to add and to remove, and ends with 3", async () => {
  const whole = await inventory();
  const departs = whole
    .replace("      email: personal\n", "      phone: personal\n")
    .replace("  - prefix: logs/\n", "  - prefix: exports/\n")
    .replace("/.env*", "/.envrc");
  await writeFile(join(folder, "inventory.yaml"), departs);
  const { exit, value } = await world.json<{ problems: string[]; remarks: string[]; lines: string }>(
    ["inventory", "check", "prod"],
    { folder },
  );
  expect(exit).toBe(3);
  expect(value.problems).toEqual([
    "the column users.email is not declared",
    "the column users.phone is declared, and there is none",
    "1 object under prod/logs/ of library are under no declared prefix",
    ".env* is declared as captured from s3://library-configuration/prod/.envrc, and the policy's configuration has no such item",
    "the policy captures s3://library-configuration/prod/.env*, which is not declared",
  ]);
  expect(value.remarks).toEqual(["prod/exports/ holds no object of library"]);
  expect(value.lines).toContain("+       email: personal\n-       phone: personal");
  expect(value.lines).toContain("  storage:\n+   - prefix: logs/\n+     purpose: TODO");
  await writeFile(join(folder, "inventory.yaml"), whole);
});

test("render writes a page with what is there now", async () => {
  expect(await run("render", "prod", "--out", "INVENTORY.md")).toMatchObject({ exit: 0 });
  const page = await readFile(join(folder, "INVENTORY.md"), "utf8");
  expect(page).toMatch(/^# Data inventory of library\n/);
  expect(page).toMatch(
    /\| `users` \| accounts and login identity \| said \| internal, with \*\*personal\*\*, \*\*secret\*\* columns \| 1,200 \|/,
  );
  expect(page).toMatch(/\| `events` \| said \| said \| internal \| 30 \|/);
  expect(page).toContain('`billing."odd: ""name"""`');
  expect(page).toMatch(/\| `media\/` \| said \| {2}\| 2 \| 32 B \|/);
  expect(page).toContain("`s3://library-configuration/prod/.env*`");
  expect(page).not.toContain("It is not whole");
});

test("without an inventory there is nothing to check", async () => {
  const { exit, err } = await world.run(["inventory", "check", "prod"], { folder: await world.folder() });
  expect([exit, err]).toEqual([2, expect.stringContaining("ProjectMissing")]);
});
