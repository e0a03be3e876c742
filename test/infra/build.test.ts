/** What is deployed: built twice from two checkouts, and looked at as it lies there. */
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Bundle } from "../../infra/bundle.ts";
import { billOfMaterials } from "../../infra/sbom.ts";
import { mapsIn, traced } from "../../infra/trace.ts";
import { startLambdaRunner } from "../../local/lambda/runner.ts";
import { LOCAL_CREDENTIALS } from "../../local/s3/server.ts";
import { startSecretsManager } from "../../local/secrets-manager.ts";
import { type FunctionName, LIMITS } from "../../workflows/modules.ts";
import { built } from "./built.ts";

const ROOT = join(import.meta.dirname, "../..");
const SOURCES = ["core", "functions", "infra", "io", "web", "workflows", "package.json", "package-lock.json"];
const run = promisify(execFile);

let folder: string;
/** The build of the tree itself. */
let dist: string;
let bundles: Bundle[];
/** Sums by path, of the first build. */
let sums: Map<string, string>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "rehearsal-build-"));
  ({ folder: dist, bundles } = await built());
  sums = await sumsIn(dist);
}, 300_000);

afterAll(() => rm(folder, { recursive: true, force: true }));

async function checkOut(to: string): Promise<void> {
  await mkdir(to, { recursive: true });
  for (const source of SOURCES) await cp(join(ROOT, source), join(to, source), { recursive: true });
  await symlink(join(ROOT, "node_modules"), join(to, "node_modules"));
}

/** As `npm run build` does, from that checkout's own sources. */
async function build(checkout: string, into: string, only: FunctionName[]): Promise<void> {
  await run(
    process.execPath,
    [
      "--input-type=module",
      "-e",
      `const { buildAll } = await import(process.argv[1]);
      await buildAll(process.argv[2], JSON.parse(process.argv[3]));`,
      pathToFileURL(join(checkout, "infra/build.ts")).href,
      into,
      JSON.stringify(only),
    ],
    { cwd: tmpdir() },
  );
}

async function sumsIn(made: string): Promise<Map<string, string>> {
  const text = await readFile(join(made, "SHA256SUMS"), "utf8");
  return new Map(
    text
      .trim()
      .split("\n")
      .map((line) => [line.slice(66), line.slice(0, 64)]),
  );
}

/** Sources and packages that the maps of one bundle tell of, and files that were copied as they are. */
async function partsOf(bundle: Bundle): Promise<string[]> {
  const maps = join(dist, "maps", bundle.name);
  const texts = await Promise.all((await readdir(maps)).map((file) => readFile(join(maps, file), "utf8")));
  const copied = [...sums.keys()].flatMap((path) => {
    const [, asset] = new RegExp(`^(?:functions/${bundle.name}|${bundle.name})/(.*)$`).exec(path) ?? [];
    return asset?.includes("/") ? [asset] : [];
  });
  return [...texts.flatMap((text) => (JSON.parse(text) as { sources: string[] }).sources), ...copied];
}

/** The innermost that the lockfile knows: what a package was bundled with itself comes in its own archive. */
function packageOf(path: string): string | undefined {
  const folder = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1];
  if (folder === undefined || LOCKED.has(folder)) return folder;
  return packageOf(folder.slice(0, folder.lastIndexOf("node_modules/")));
}

const LOCKED = new Set(
  Object.keys(
    (JSON.parse(readFileSync(join(ROOT, "package-lock.json"), "utf8")) as { packages: object }).packages,
  ),
);

describe("two builds from two checkouts", () => {
  test("have the same files with the same bytes, and the same bill", async () => {
    const elsewhere = join(folder, "some/where/else with a space");
    await checkOut(elsewhere);
    const names: FunctionName[] = ["api", "migrate", "notify"];
    await build(elsewhere, join(elsewhere, "out/dist"), names);
    const again = await sumsIn(join(elsewhere, "out/dist"));
    const of = (all: Map<string, string>) =>
      [...all].filter(([path]) => names.some((name) => new RegExp(`^(functions|maps)/${name}/`).test(path)));
    expect(of(again).length).toBeGreaterThan(100);
    expect(of(again)).toEqual(of(sums));
    expect(await billOfMaterials(bundles)).toBe(await readFile(join(dist, "sbom.json"), "utf8"));
  });

  test("name neither the place they were built at nor anybody's home", async () => {
    for (const path of sums.keys())
      if (/\.(mjs|map|json)$/.test(path)) {
        const text = await readFile(join(dist, path), "utf8");
        expect(text.includes(folder) || text.includes(ROOT), path).toBe(false);
      }
  });
});

describe("each bundle", () => {
  test("is an ES module that exports its handler and reads no AWS client at start", () => {
    expect(bundles.map(({ name }) => name)).toEqual(expect.arrayContaining(["api", "admit", "task"]));
    for (const { name, startPackages } of bundles) {
      expect(sums.has(name === "container" ? "container/main.mjs" : `functions/${name}/main.mjs`)).toBe(true);
      expect(
        startPackages.filter((one) => /^@(aws-sdk|smithy)\//.test(one)),
        name,
      ).toEqual([]);
    }
  });

  test("runs on either processor, and the API's start reads no more than it may", () => {
    expect([...sums.keys()].filter((path) => /\.(node|so|dylib|dll)$/.test(path))).toEqual([]);
    expect(bundles.find(({ name }) => name === "api")?.startBytes).toBeLessThan(600_000);
  });

  test("has each WebAssembly once, as a file and in no code", async () => {
    for (const { name } of bundles) {
      const own = [...sums].filter(
        ([path]) => path.startsWith(`functions/${name}/`) || path.startsWith(`${name}/`),
      );
      const wasm = own.filter(([path]) => path.endsWith(".wasm"));
      expect(new Set(wasm.map(([path]) => basename(path))).size, name).toBe(wasm.length);
      // The same bytes under two names would be a copy as well.
      expect(new Set(own.map(([, sum]) => sum)).size, name).toBe(own.length);
      for (const [path] of own)
        if (path.endsWith(".mjs"))
          expect((await readFile(join(dist, path), "latin1")).includes("AGFzbQ"), path).toBe(false);
    }
    const dumps = [...sums.keys()].filter((path) => path.startsWith("functions/back-up/"));
    expect(
      dumps
        .filter((path) => path.endsWith(".wasm"))
        .map((path) => basename(path))
        .sort(),
    ).toContain("pg_dump.wasm");
  });

  test("of a step has nothing of the API, and of a function behind no gateway no router", async () => {
    for (const bundle of bundles.filter(({ name }) => name !== "api")) {
      const parts = await partsOf(bundle);
      expect(
        parts.filter((path) => path.startsWith("functions/api/routes/") || /hono\/dist\/router\//.test(path)),
        bundle.name,
      ).toEqual([]);
    }
  });
});

describe("an error that a bundled step throws", () => {
  test("has the catalogue's code as Lambda's errorType, and its trace leads into the sources", async () => {
    const secretsManager = await startSecretsManager({ folder: join(folder, "secrets") });
    const variables = {
      AWS_REGION: "us-east-1",
      AWS_ACCESS_KEY_ID: LOCAL_CREDENTIALS.accessKeyId,
      AWS_SECRET_ACCESS_KEY: LOCAL_CREDENTIALS.secretAccessKey,
      AWS_ENDPOINT_URL_SECRETS_MANAGER: secretsManager.url,
      REHEARSAL_CONTROL_SECRET: "rehearsal/control-database",
    };
    const module = pathToFileURL(join(dist, "functions/decide/main.mjs"));
    const lambda = startLambdaRunner({
      functions: { decide: { ...LIMITS.decide, module } },
      environment: variables,
      onLog: () => undefined,
    });
    try {
      const result = await lambda.invoke("decide", { promotion: "none" });
      const error = "error" in result ? result.error : undefined;
      expect(error?.errorType).toBe("SecretMissing");
      const told = traced(`${error?.trace?.join("\n")}`, mapsIn(join(dist, "maps/decide")));
      const [, line] = /[ (]io\/ledger\/connection\.ts:(\d+):\d+/.exec(told) ?? [];
      const source = await readFile(join(ROOT, "io/ledger/connection.ts"), "utf8");
      expect(source.split("\n")[Number(line) - 1]).toContain("readSecret(secret");
      expect(told).not.toMatch(/main\.mjs:\d/);
    } finally {
      await lambda.stop();
      await secretsManager.stop();
    }
  });

  test("is never matched by the name of its class, which minifying changes", async () => {
    for (const room of ["core", "functions", "io", "web", "workflows"])
      for (const path of await readdir(join(ROOT, room), { recursive: true }))
        if (path.endsWith(".ts"))
          expect(await readFile(join(ROOT, room, path), "utf8"), `${room}/${path}`).not.toMatch(
            /\bconstructor\??\.name\b|new\.target/,
          );
  });
});

describe("the bill of materials", () => {
  test("names exactly the packages of which there is something in a bundle, and in which", async () => {
    const bom = await billOf();
    const within = new Map<string, string[]>();
    for (const bundle of bundles)
      for (const found of new Set((await partsOf(bundle)).map(packageOf)))
        if (found !== undefined) within.set(found, [...(within.get(found) ?? []), bundle.name]);
    expect(
      bom.components.map((one) => [one["bom-ref"], one.properties.map(({ value }) => value).sort()]).sort(),
    ).toEqual([...within].map(([path, names]) => [path, names.sort()]).sort());
  });

  test("has of each its version, its licence, its address and its archive's hash, as they are locked", async () => {
    const { packages } = JSON.parse(await readFile(join(ROOT, "package-lock.json"), "utf8")) as {
      packages: Record<string, { version: string; integrity: string; license: string }>;
    };
    for (const component of (await billOf()).components) {
      const locked = packages[component["bom-ref"]];
      const installed = JSON.parse(
        await readFile(join(ROOT, component["bom-ref"], "package.json"), "utf8"),
      ) as { name: string; version: string };
      expect(component).toMatchObject({ type: "library", version: locked?.version });
      expect(installed.version).toBe(locked?.version);
      expect(decodeURIComponent(component.purl)).toBe(`pkg:npm/${installed.name}@${installed.version}`);
      expect(component.licenses).toHaveLength(1);
      expect(
        component.hashes.map(({ content }) => `sha512-${Buffer.from(content, "hex").toString("base64")}`),
      ).toEqual([locked?.integrity]);
    }
  });

  test("is valid by the standard's own schema", async () => {
    const { valid, errors } = await validate(await readFile(join(dist, "sbom.json"), "utf8"));
    expect(errors).toBeNull();
    expect(valid).toBe(true);
  });
});

interface Bill {
  components: {
    "bom-ref": string;
    purl: string;
    version: string;
    licenses: object[];
    hashes: { alg: string; content: string }[];
    properties: { name: string; value: string }[];
  }[];
}

async function billOf(): Promise<Bill> {
  return JSON.parse(await readFile(join(dist, "sbom.json"), "utf8")) as Bill;
}

/** Of Ajv what is used. */
interface Checker {
  addSchema(schema: object, key: string): void;
  compile(schema: object): { (value: unknown): boolean; errors?: unknown };
}

/** By the schema that CycloneDX's library carries, and the checker that the validator for OpenAPI brings. */
async function validate(text: string): Promise<{ valid: boolean; errors: unknown }> {
  const own = createRequire(import.meta.url);
  const schemas = join(dirname(own.resolve("@cyclonedx/cyclonedx-library/package.json")), "res/schema");
  const schemaOf = async (name: string) =>
    JSON.parse(await readFile(join(schemas, `${name}.SNAPSHOT.schema.json`), "utf8")) as object;
  const theirs = createRequire(import.meta.resolve("@seriousme/openapi-schema-validator"));
  const { Ajv } = theirs("ajv") as { Ajv: new (options: object) => Checker };
  const addFormats = theirs("ajv-formats") as (checker: Checker) => void;
  // Two formats that it does not know.
  const checker = new Ajv({ strict: false, formats: { "iri-reference": true, "idn-email": true } });
  addFormats(checker);
  for (const name of ["spdx", "jsf-0.82", "cryptography-defs"])
    checker.addSchema(await schemaOf(name), `http://cyclonedx.org/schema/${name}.SNAPSHOT.schema.json`);
  const check = checker.compile(await schemaOf("bom-1.6"));
  return { valid: check(JSON.parse(text)), errors: check.errors ?? null };
}
