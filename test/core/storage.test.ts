import { expect, test } from "vitest";
import { covers, fits, parseConfigurationItem } from "../../core/configuration.ts";
import { parseInventory } from "../../core/inventory.ts";
import { policySchema } from "../../core/policy.ts";
import { storageAreas } from "../../core/storage.ts";
import { refusalOf } from "../refusal.ts";

test("of an inventory the storage is read, as prefixes or as entries with more to say", () => {
  const text = "storage:\n  - media/\n  - prefix: exports/\n    purpose: zips\n";
  expect(parseInventory(Buffer.from(text)).storage).toEqual([
    { prefix: "media/" },
    { prefix: "exports/", purpose: "zips" },
  ]);
  expect(parseInventory(Buffer.from("")).storage).toEqual([]);
  expect(parseInventory(undefined).storage).toEqual([]);
});

test.each([
  ["storage: media/", "storage: Invalid input: expected array"],
  ["storage: [/media]", "storage.0"],
  ["storage: [{ path: media/ }]", "storage.0"],
  ["storage: [media/", "line 1"],
  ["storage: []\nstorage: []", "line 2"],
])("an inventory whose storage is no list of prefixes is refused: %j", async (text, problem) => {
  expect(await refusalOf(() => parseInventory(Buffer.from(text)))).toMatchObject({
    code: "ConfigInvalid",
    message: expect.stringContaining(problem),
    hint: expect.stringMatching(/./),
  });
});

test("what is guarded is what the policy and the inventory name, each key once, under the policy's root", () => {
  const policy = (storage: object) =>
    policySchema.parse({ storage: { bucket: "videos", ...storage } }).storage;
  const areas = (storage: object, inventory: string[]) =>
    storageAreas(policy(storage), inventory).map(({ prefix }) => prefix);
  expect(areas({ prefixes: ["media/", "exports/"] }, ["media/", "media/thumbs/", "media"])).toEqual([
    "exports/",
    "media",
  ]);
  expect(areas({ root: "prod/", prefixes: [] }, ["media/"])).toEqual(["prod/media/"]);
  expect(areas({}, [])).toEqual([]);
  expect(storageAreas(undefined, ["media/"])).toEqual([]);
});

test("configuration is named by where it is", () => {
  expect(parseConfigurationItem("secret:videos/api-key")).toEqual({ kind: "secret", name: "videos/api-key" });
  expect(parseConfigurationItem("s3://videos/prod/.env")).toEqual({
    kind: "s3",
    bucket: "videos",
    key: "prod/.env",
  });
  expect(parseConfigurationItem("file:/srv/app/.env*")).toEqual({
    kind: "file",
    folder: "/srv/app/",
    name: ".env*",
  });
  const names = [".env", ".env.local", "x.env", ".environment", "Xenv"];
  expect(names.filter((name) => fits(".env*", name))).toEqual([".env", ".env.local", ".environment"]);
  expect(names.filter((name) => fits("*.env", name))).toEqual([".env", "x.env"]);
});

test.each([
  ["s3://b/prod/.workspace-*", "s3://b/prod/.workspace-role", true],
  ["s3://b/prod/x", "s3://b/prod/x", true],
  ["s3://b/prod/*", "s3://c/prod/x", false],
  ["s3://b/prod/*", "s3://b/dev/x", false],
  ["file:/srv/.env*", "file:/srv/.env.local", true],
  ["file:/srv/.env*", "file:/srv/.env/../x", false],
  ["secret:x", "s3://b/x", false],
])("the item %s covers %s: %s", (item, place, covered) => {
  expect(covers(item, place)).toBe(covered);
});
