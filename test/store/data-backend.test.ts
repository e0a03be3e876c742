/** DATA_BACKEND: which backend a program is asked for, and what it is told when that is not said well. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { NOTHING } from "../../core/store/digest.ts";
import type { StoreDefinition, Typed } from "../../store/library.ts";
import {
  getDataBackend,
  isDualMode,
  isMigrationMode,
  logBackendConfig,
  openStore,
  useJsonStore,
  usePostgres,
  usePrisma,
} from "../../store/library.ts";
import { refusalOf } from "../refusal.ts";

type Models = { Setting: { name: string; on: boolean } };

const models: StoreDefinition & Typed<Models> = {
  format: "rehearsal-store-models/1",
  schema: NOTHING.sum,
  models: [
    {
      name: "Setting",
      schema: "public",
      table: "settings",
      key: ["name"],
      columns: [
        { name: "name", type: "text", of: { kind: "text" }, nullable: false },
        { name: "on", type: "boolean", of: { kind: "bool" }, nullable: false },
      ],
      relations: [],
      unique: [],
      indexes: [],
      file: "settings.json",
      content: {},
      notCarried: [],
    },
  ],
};

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "rehearsal-backend-"));
});

afterAll(() => rm(folder, { recursive: true }));

test.for([
  [undefined, "postgres", [true, false, false, false]],
  ["postgres", "postgres", [true, false, false, false]],
  ["prisma", "postgres", [true, false, false, false]],
  ["json", "json", [false, true, false, true]],
  ["dual", "dual", [true, true, true, true]],
] as const)("DATA_BACKEND=%s is %s", ([value, backend, [postgres, json, dual, migration]]) => {
  const environment = { ...(value !== undefined && { DATA_BACKEND: value }) };
  expect(getDataBackend(environment)).toBe(backend);
  expect(usePostgres(environment)).toBe(postgres);
  expect(usePrisma(environment)).toBe(postgres);
  expect(useJsonStore(environment)).toBe(json);
  expect(isDualMode(environment)).toBe(dual);
  expect(isMigrationMode(environment)).toBe(migration);
});

test("another word is refused, and none is guessed", async () => {
  for (const value of ["", "JSON", "both", "postgresql"])
    expect(await refusalOf(() => getDataBackend({ DATA_BACKEND: value }))).toEqual({
      code: "DataBackendUnknown",
      message: `DATA_BACKEND is "${value}", which is no backend`,
      hint: "set it to postgres, json or dual; prisma is another word for postgres, and without it postgres is meant",
    });
});

test("what is configured is told in one line, without a password", () => {
  const lines: string[] = [];
  const environment = {
    ...{
      DATA_BACKEND: "dual",
      DATABASE_URL: "postgresql://app:secret@db.example.org/app",
      DATA_STORE: "/data",
    },
  };
  logBackendConfig(environment, (line) => lines.push(line));
  logBackendConfig({ DATA_BACKEND: "json" }, (line) => lines.push(line));
  expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
    { dataBackend: "dual", database: "app@db.example.org:5432/app", place: "/data" },
    { dataBackend: "json", place: null },
  ]);
});

test("a store whose place nobody names is not made somewhere", async () => {
  for (const name of ["DATABASE_URL", "DATA_STORE"]) vi.stubEnv(name, undefined);
  expect(await refusalOf(() => openStore({ models, backend: "json", create: true }))).toMatchObject({
    code: "InputInvalid",
    message: expect.stringContaining('give "place", or set DATA_STORE'),
  });
  expect(await refusalOf(() => openStore({ models, backend: "postgres" }))).toMatchObject({
    code: "InputInvalid",
    message: expect.stringContaining('give "database", or set DATABASE_URL'),
  });
  vi.unstubAllEnvs();
  const place = join(folder, "empty");
  expect(await refusalOf(() => openStore({ models, backend: "json", place }))).toMatchObject({
    code: "StoreMissing",
  });
});

test("rows have the types of the models", async () => {
  const store = await openStore({ models, backend: "json", place: join(folder, "typed"), create: true });
  await store.transaction(async (tx) => {
    await tx.append("Setting", { name: "dark", on: true });
    const found = await tx.get("Setting", { name: "dark" });
    await tx.put("Setting", { name: "dark", on: !(found?.on ?? false) });
  });
  const { rows } = await store.list("Setting", {});
  const on: boolean[] = rows.map((row) => row.on);
  expect(on).toEqual([false]);
  await store.close();
});
