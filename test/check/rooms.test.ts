/** The rooms' walls: a small house with one wrong and one right import per rule, judged by the true biome.json. */
import { execFile } from "node:child_process";
import { copyFile, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const ROOT = join(import.meta.dirname, "../..");
const BIOME = createRequire(import.meta.url).resolve("@biomejs/biome/bin/biome");

/** File → what it imports: each must be refused, with the sentence that names the room. */
const REFUSED: [file: string, imports: string, sentence: RegExp][] = [
  ["core/driver.ts", "pg", /core\/ knows no clock, no network and no driver/],
  ["core/clock.ts", "node:timers/promises", /core\/ knows no clock/],
  ["core/files.ts", "node:fs", /core\/ knows no clock/],
  ["core/upwards.ts", "../io/object-store.ts", /core\/ knows no clock/],
  ["core/rules/deep.ts", "../../functions/step.ts", /core\/ knows no clock/],
  ["io/handler.ts", "../functions/step.ts", /io\/ imports core\/ and drivers/],
  ["io/postgres/endpoint.ts", "../../local/s3.ts", /io\/ imports core\/ and drivers/],
  ["functions/steps/driver.ts", "pg", /functions\/ imports io\/, core\/, web\/ and hono/],
  ["functions/steps/client.ts", "@aws-sdk/client-s3", /drivers belong in io\//],
  ["functions/steps/files.ts", "node:fs/promises", /drivers belong in io\//],
  ["functions/steps/machine.ts", "../../workflows/promotion.asl.ts", /functions\/ imports io\//],
  ["functions/api/stack.ts", "../../local/stack.ts", /functions\/ imports io\//],
  ["workflows/store.asl.ts", "../io/object-store.ts", /workflows\/ imports core\/ only/],
  ["workflows/step.asl.ts", "../functions/step.ts", /workflows\/ imports core\/ only/],
  ["workflows/clock.asl.ts", "node:crypto", /workflows\/ imports core\/ only/],
  ["web/store.ts", "../io/object-store.ts", /web\/ imports core\/ and hono/],
  ["web/files.ts", "node:fs", /web\/ imports core\/ and hono/],
  ["action/package.ts", "zod", /action\/ imports Node's own modules/],
  ["action/command.ts", "../cli/run.ts", /it is run as it stands/],
  ["cli/store.ts", "../io/object-store.ts", /cli\/ imports core\//],
  ["cli/driver.ts", "pg", /it speaks to the service over HTTP/],
  ["client/driver.ts", "pg", /client\/ imports hono and the type/],
  ["client/inward.ts", "../functions/decision.ts", /client\/ imports hono and the type/],
  ["cli/typed.ts", "../client/client.ts", /it speaks to the service over HTTP/],
  ["core/application.ts", "../store/open-store.ts", /core\/ knows no clock/],
  ["io/application.ts", "../store/library.ts", /io\/ imports core\/ and drivers/],
  ["functions/application.ts", "../store/data-backend.ts", /functions\/ imports io\//],
  ["cli/application.ts", "../store/open-store.ts", /cli\/ imports core\//],
  ["store/driver.ts", "pg", /store\/ imports core\/, io\/ and zod/],
  ["store/service.ts", "../functions/step.ts", /store\/ imports core\/, io\/ and zod/],
  ["local/cloud.ts", "../infra/bundle.ts", /local\/ imports everything but infra\/ and test\//],
  ["local/tested.ts", "../test/postgres.ts", /local\/ imports everything but infra\/ and test\//],
  ["infra/handler.ts", "../functions/step.ts", /infra\/ imports workflows\/ and core\//],
  ["bench/tested.ts", "../test/postgres.ts", /nobody imports test\//],
  ["docs/tested.ts", "../test/postgres.ts", /nobody imports test\//],
];

const ALLOWED: [file: string, imports: string][] = [
  ["core/plain.ts", "zod"],
  ["core/parser.ts", "libpg-query"],
  ["core/hash.ts", "node:crypto"],
  ["core/rules/sibling.ts", "../errors.ts"],
  ["io/driver.ts", "pg"],
  ["io/postgres/inward.ts", "../../core/errors.ts"],
  ["functions/api/main.ts", "hono/aws-lambda"],
  ["functions/steps/store.ts", "../../io/object-store.ts"],
  ["functions/api/page.ts", "../../web/page.ts"],
  ["functions/api/input.ts", "@hono/zod-openapi"],
  ["workflows/words.asl.ts", "../core/steps.ts"],
  ["web/page.ts", "hono/html"],
  ["action/main.ts", "node:child_process"],
  ["cli/main.ts", "commander"],
  ["cli/files.ts", "node:fs/promises"],
  ["client/client.ts", "../functions/api/app.ts"],
  ["client/kind.ts", "hono/client"],
  ["store/open-store.ts", "../io/store/json-store.ts"],
  ["io/inward.ts", "../core/store/store.ts"],
  ["local/stack.ts", "../functions/step.ts"],
  ["local/application.ts", "../store/library.ts"],
  ["infra/machine.ts", "../workflows/promotion.asl.ts"],
  ["bench/bundles.ts", "../infra/bundle.ts"],
  ["test/anything.ts", "../local/stack.ts"],
];

interface Diagnostic {
  category: string;
  severity: string;
  message: unknown;
  location: { path: string };
}

let house: string;
let diagnostics: Diagnostic[];

beforeAll(async () => {
  house = await mkdtemp(join(tmpdir(), "rehearsal-rooms-"));
  const write = async (file: string, text: string) => {
    await mkdir(dirname(join(house, file)), { recursive: true });
    await writeFile(join(house, file), text);
  };
  await copyFile(join(ROOT, "biome.json"), join(house, "biome.json"));
  for (const [file, imports] of [...REFUSED, ...ALLOWED])
    await write(file, `export * from ${JSON.stringify(imports)};\n`);
  await write("core/lazily.ts", 'export const pg = () => import("pg");\n');
  await write("core/typed.ts", 'import type pg from "pg";\n\nexport type Driver = typeof pg;\n');
  await write("core/egg.ts", 'import { hen } from "./hen.ts";\n\nexport const egg = () => hen;\n');
  await write("core/hen.ts", 'import { egg } from "./egg.ts";\n\nexport const hen = () => egg;\n');
  diagnostics = await lint();
});

afterAll(() => rm(house, { recursive: true }));

async function lint(): Promise<Diagnostic[]> {
  const stdout = await new Promise<string>((resolve) => {
    execFile(
      process.execPath,
      [BIOME, "lint", "--vcs-enabled=false", "--reporter=json", "--max-diagnostics=none", "."],
      { cwd: house, maxBuffer: 10_000_000 },
      (_, output) => resolve(output),
    );
  });
  return (JSON.parse(stdout) as { diagnostics: Diagnostic[] }).diagnostics;
}

const said = (file: string) => diagnostics.filter(({ location }) => location.path === file);

describe("an import through a wall is an error that names the room", () => {
  test.for(REFUSED)("%s → %s", ([file, , sentence]) => {
    const [diagnostic] = said(file);
    expect(diagnostic).toMatchObject({
      category: "lint/style/noRestrictedImports",
      severity: "error",
    });
    expect(JSON.stringify(diagnostic)).toMatch(sentence);
  });

  test.for(["core/lazily.ts", "core/typed.ts"])("also when it is dynamic or of types only: %s", (file) => {
    expect(said(file)).toMatchObject([{ category: "lint/style/noRestrictedImports", severity: "error" }]);
  });
});

test.for(ALLOWED)("an import through a door is none: %s → %s", ([file]) => {
  expect(said(file)).toEqual([]);
});

test("a cycle of imports is an error in each of its files", () => {
  for (const file of ["core/hen.ts", "core/egg.ts"])
    expect(said(file)).toMatchObject([{ category: "lint/suspicious/noImportCycles", severity: "error" }]);
});
