import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { DatabaseAddress } from "../../core/database-url.ts";
import { parseInventory } from "../../core/inventory.ts";
import { policySchema } from "../../core/policy.ts";
import { assertDeclared } from "../../functions/inventory.ts";
import { dropDatabases, freshDatabase, newestServer } from "../postgres.ts";
import { refusalOf } from "../refusal.ts";
import { contentOf } from "../service/content.ts";
import { type Hook, startHook } from "../service/hook.ts";
import { LocalService } from "../service/local-service.ts";
import { PROJECT, SCHEMA } from "../service/project.ts";

const server = newestServer();
let service: LocalService;
let production: DatabaseAddress;
let smoke: Hook;
let healthy = 200;

beforeAll(async () => {
  smoke = await startHook(() => healthy);
  service = await new LocalService(server.address, "inventory").start();
  production = await freshDatabase(server, SCHEMA, `inventory_${process.pid}`);
  await workspace("workspace-role", "prod\n");
  await workspace("workspace-state.json", '{"state":"writeable","since":"the beginning"}');
  await workspace(".env", "KEY=5ECRET");
  await service.register("prod", production, {
    hooks: { smoke: smoke.url },
    configuration: [`file:${service.folder}/.env*`, `file:${service.folder}/workspace-*`],
  });
});

afterAll(async () => {
  await service.stop();
  await smoke.stop();
  await dropDatabases(production);
});

const workspace = (name: string, text: string) => writeFile(join(service.folder, name), text);

const stateNow = async () =>
  JSON.parse(await readFile(join(service.folder, "workspace-state.json"), "utf8")) as Record<string, unknown>;

const CONFIGURATION = () => `configuration:
  - { name: .env, capture: "file:${service.folder}/.env*" }
  - { name: workspace, capture: "file:${service.folder}/workspace-*" }
  - { name: proxy.conf, capture: manual, recorded: "the vault, under proxy" }
`;

const STATE = () => `state:
  roleFile: file:${service.folder}/workspace-role
  stateFile: file:${service.folder}/workspace-state.json
`;

const TABLES = `owner: the video team
tables:
  videos: { purpose: videos, classification: public, columns: { id: , title: } }
  segments:
    purpose: what is said
    classification: internal
    columns: { id: , video: , starts: , text: personal, speaker: }
    notesOnChange: searches are rebuilt
`;

const SPEAKERS = `  speakers: { purpose: who speaks, classification: personal, columns: { id: , name: } }
`;

const SPOKEN = {
  "migrations/0001_speakers.sql": `-- Segments get a speaker; no search is rebuilt.\n${PROJECT["migrations/0001_speakers.sql"]}`,
  "migrations/0002_backfill.sql": `-- Who speaks in segments.\n${PROJECT["migrations/0002_backfill.sql"]}`,
};

const release = (inventory: string, files: Record<string, string> = SPOKEN) =>
  service.release({ ...PROJECT, ...files, "inventory.yaml": inventory });

async function refused(inventory: string, files?: Record<string, string>) {
  const before = await contentOf(production);
  const { error } = await service.until(
    await service.promote("prod", await release(inventory, files)),
    "refused",
  );
  expect(await contentOf(production)).toEqual(before);
  expect(await stateNow()).toEqual({ state: "writeable", since: "the beginning" });
  return error;
}

test("a release is refused for what its inventory does not declare, and its lines tell what is missing", async () => {
  expect(
    await refused(
      `${TABLES}${SPEAKERS}configuration:\n  - { name: keys, capture: "s3://keys/{environment}/x" }\n`,
    ),
  ).toMatchObject({
    code: "ConfigurationUndeclared",
    message: expect.stringContaining("s3://keys/prod/x"),
    hint: expect.stringContaining(`+   - name: .env*\n+     capture: file:${service.folder}/.env*`),
  });
  expect(await refused(TABLES + CONFIGURATION() + STATE())).toMatchObject({
    code: "InventoryIncomplete",
    message: expect.stringContaining("the table speakers is not declared"),
    hint: expect.stringContaining(
      "  tables:\n+   speakers:\n+     purpose: TODO\n+     classification: internal\n+     columns:\n+       id:\n+       name:",
    ),
  });
});

test("a change of a table with a wanted note is refused until the file speaks of it", async () => {
  expect(await refused(TABLES + SPEAKERS, PROJECT)).toMatchObject({
    code: "ChangeNoteMissing",
    message: expect.stringContaining("searches are rebuilt"),
    hint: expect.stringContaining("-- segments: …"),
  });
});

test("abuse 39: a workspace that says another role or another state than the ledger keeps a promotion from beginning", async () => {
  const inventory = TABLES + SPEAKERS + STATE();
  await workspace("workspace-role", "dev\n");
  expect(await refused(inventory)).toMatchObject({
    code: "WorkspaceRoleMismatch",
    message: expect.stringContaining("says dev"),
    hint: expect.stringContaining('write "prod" into the file'),
  });
  const elsewhere = inventory.replace("/workspace-role", "/.role");
  expect(await refused(elsewhere)).toMatchObject({
    code: "WorkspaceFileUnusable",
    message: expect.stringContaining("the policy's configuration does not name it"),
  });
  await workspace("workspace-role", "prod\n");
  await workspace("workspace-state.json", '{"state":"canonical"}');
  const { error } = await service.until(await service.promote("prod", await release(inventory)), "refused");
  expect(error).toMatchObject({
    code: "WorkspaceStateMismatch",
    message: expect.stringContaining('says canonical, and "prod" is writeable'),
    hint: expect.stringContaining('{"state": "writeable"}'),
  });
  expect(await stateNow()).toEqual({ state: "canonical" });
  await workspace("workspace-state.json", '{"state":"writeable","since":"the beginning"}');
});

test("the state file follows the promotion: provisional while it runs, as it was after a rollback, canonical after it is promoted, whatever dies between", async () => {
  const hash = await release(TABLES + SPEAKERS + CONFIGURATION() + STATE());
  healthy = 500;
  const gate = service.gate("back-up:begun");
  const back = await service.promote("prod", hash);
  await gate.reached();
  expect(await stateNow()).toEqual({ state: "provisional", promotion: back, since: "the beginning" });
  gate.open();
  await service.until(back, "rolled-back");
  expect(await stateNow()).toEqual({ state: "writeable", since: "the beginning" });

  healthy = 200;
  service.gate("admit:effect", "dies");
  service.gate("open:effect", "dies");
  const id = await service.promote("prod", hash);
  expect((await service.until(id, "promoted")).error).toBeNull();
  expect(await stateNow()).toEqual({ state: "canonical", since: "the beginning" });
  const { entries } = await service.must<{ entries: { body: string }[] }>(
    "GET",
    `/promotions/${id}/log?limit=200`,
  );
  const events = entries.map(({ body }) => JSON.parse(body) as { type: string; data: object });
  expect(events.find(({ type }) => type === "configuration.by-hand")?.data).toEqual({
    items: [{ item: "proxy.conf", recorded: "the vault, under proxy" }],
  });
  expect(events.find(({ type }) => type === "configuration.captured")?.data).toMatchObject({
    captured: [".env", "workspace-role", "workspace-state.json"].map((name) => ({
      item: `file:${service.folder}/${name}`,
    })),
  });
  expect(JSON.stringify(events)).not.toContain("5ECRET");
});

test("a policy may require an inventory, and else nobody is forced to have one", async () => {
  const environment = (policy: object) => ({
    ...{ name: "prod", role: "prod" as const, state: "writeable" as const, identity: "", secret: "" },
    copiesSecret: null,
    ...{ address: "", fingerprint: "", release: null, policy: policySchema.parse(policy) },
  });
  const inventory = parseInventory(undefined);
  assertDeclared(environment({ configuration: ["secret:x"] }), { inventory });
  expect(
    await refusalOf(() => assertDeclared(environment({ inventory: "required" }), { inventory })),
  ).toMatchObject({
    code: "InventoryMissing",
    hint: expect.stringContaining("rehearsal inventory init prod"),
  });
});
