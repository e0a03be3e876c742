/** `rehearsal lint` as a person, an editor and a pull request meet it: no service stands behind it. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import * as z from "zod";
import { githubText } from "../../cli/lint/github.ts";
import { sarifLog } from "../../cli/lint/sarif.ts";
import type { Finding } from "../../core/lint/lint.ts";
import { runCommand } from "./command.ts";

const FILES = {
  "rehearsal.yaml": "project: shop\n",
  "migrations/0001_orders.sql":
    "create table if not exists orders (id bigint primary key, note text);\nbegin;\n",
  "migrations/0002_index.sql":
    "\n  create index if not exists i on orders (note);\n-- rehearsal: allow drop-table: in the archive\ndrop table if exists old;\nset role postgres;\n",
  "seeds/people.sql": "insert into orders (id) values (1);\n",
};

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "lint-"));
  for (const [path, text] of Object.entries(FILES)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
});

afterAll(() => rm(folder, { recursive: true }));

const lint = (...words: string[]) => runCommand(["lint", ...words], { folder });

describe("rehearsal lint", () => {
  test("abuse 15, abuse 16: tells every refusal of every file with line and caret, not the first, and exits 1", async () => {
    const { exit, out, err } = await lint();
    expect([exit, err]).toEqual([1, ""]);
    expect(out).toContain(
      "migrations/0001_orders.sql:2: error: BEGIN is not the file's to say [transaction-control]\n  2 | begin;\n    | ^^^^^^\n  hint: ",
    );
    expect(out).toContain("migrations/0002_index.sql:5: error: SET role: ");
    expect(out).toContain(
      "[index-without-concurrently]\n  2 |   create index if not exists i on orders (note);\n    |   ^^^^^^^^^^^^^^",
    );
    expect(out).toContain("  takes: ShareLock, which keeps writers out\n");
    expect(out).toContain("migrations/0002_index.sql:4: allowed: drop-table: in the archive\n");
    expect(out.trimEnd().split("\n").at(-1)).toBe("3 files: 3 errors, 0 warnings, 1 allowed");
  });

  test("--all takes everything as one release, in which the table is new, and --json holds to the house", async () => {
    const { out } = await lint("--all", "--json");
    const told = JSON.parse(out) as { errors: number; suppressed: number; findings: Finding[] };
    expect(told.findings.map(({ rule }) => rule)).toEqual([
      "transaction-control",
      "drop-table",
      "session-leak",
    ]);
    expect(told).toMatchObject({ files: 3, errors: 2, warnings: 0, suppressed: 1 });
  });

  test.each(["1", "0001", "0001_orders.sql", "migrations/0001_orders.sql"])(
    "--since %s looks at what comes after it only",
    async (since) => {
      const { out, exit } = await lint("--since", since, "--format", "github");
      expect(exit).toBe(1);
      expect(out).not.toContain("0001_orders");
      expect(out).toContain(
        "::error file=migrations/0002_index.sql,line=2,title=index-without-concurrently::",
      );
    },
  );

  test("--since of what is not there is refused with what there is", async () => {
    const { exit, err } = await lint("--since", "0007");
    expect(exit).toBe(2);
    expect(err).toContain('this project has no migration "0007"');
    expect(err).toContain("hint:  its migrations are 0001 to 0002");
    expect(err).toContain("code:  MigrationUnknown");
  });

  test("--format sarif is SARIF 2.1.0", async () => {
    const { out } = await lint("--format", "sarif");
    const log = sarif.parse(JSON.parse(out));
    expect(log.runs[0]?.results.find(({ suppressions }) => suppressions !== undefined)).toMatchObject({
      ruleId: "drop-table",
      suppressions: [{ kind: "inSource", justification: "in the archive" }],
    });
  });

  test("abuse 3, abuse 20: bytes that hide SQL and commands of psql are refused before anything is linted", async () => {
    for (const [text, code] of [
      ["select 1; \0 drop table orders;", "SqlNotText"],
      ["\\copy orders from 'x'\n", "PsqlCommand"],
    ] as const) {
      const path = join(folder, "migrations/0003_hidden.sql");
      await writeFile(path, text);
      const { exit, err } = await lint();
      await rm(path);
      expect(exit).not.toBe(0);
      expect(err).toContain(`code:  ${code}`);
    }
  });
});

const finding: Finding = {
  rule: "drop-table",
  severity: "error",
  path: "migrations/a,b:100%.sql",
  line: 3,
  statement: 0,
  message: 'table "a\n::error::b" is dropped 100%',
  hint: "keep it",
  blocks: "reads",
};

test("abuse 31: what a name holds cannot end GitHub's command, nor begin another one", () => {
  expect(githubText([finding])).toBe(
    '::error file=migrations/a%2Cb%3A100%25.sql,line=3,title=drop-table::table "a%0A::error::b" is dropped 100%25%0Akeep it',
  );
});

test("SARIF names each rule that found something once, with its page, and paths are URIs", () => {
  const log = sarif.parse(sarifLog([finding, finding]));
  expect(log.runs[0]?.tool.driver.rules.map(({ id, helpUri }) => [id, helpUri])).toEqual([
    ["drop-table", expect.stringMatching(/docs\/rules\/drop-table\.md$/)],
  ]);
  expect(log.runs[0]?.results[0]?.locations[0]?.physicalLocation.artifactLocation.uri).toBe(
    "migrations/a%2Cb%3A100%25.sql",
  );
});

const message = z.strictObject({ text: z.string().min(1) });
const level = z.enum(["none", "note", "warning", "error"]);

/** The part of OASIS SARIF 2.1.0 that is written: what it requires, with its own names and ranges. */
const sarif = z.strictObject({
  $schema: z.url(),
  version: z.literal("2.1.0"),
  runs: z.array(
    z
      .strictObject({
        tool: z.strictObject({
          driver: z.strictObject({
            name: z.string().min(1),
            rules: z.array(
              z.strictObject({
                id: z.string(),
                shortDescription: message,
                fullDescription: message,
                help: message,
                helpUri: z.string().min(1),
                defaultConfiguration: z.strictObject({ level }),
              }),
            ),
          }),
        }),
        columnKind: z.enum(["utf16CodeUnits", "unicodeCodePoints"]),
        results: z.array(
          z.strictObject({
            ruleId: z.string(),
            ruleIndex: z.int().min(0),
            level,
            message,
            locations: z.array(
              z.strictObject({
                physicalLocation: z.strictObject({
                  artifactLocation: z.strictObject({ uri: z.string().regex(/^[\w\-./%!~*'()]+$/) }),
                  region: z.strictObject({ startLine: z.int().min(1) }),
                }),
              }),
            ),
            suppressions: z
              .array(z.strictObject({ kind: z.enum(["inSource", "external"]), justification: z.string() }))
              .optional(),
          }),
        ),
      })
      .refine(({ tool, results }) =>
        results.every(({ ruleId, ruleIndex }) => tool.driver.rules[ruleIndex]?.id === ruleId),
      ),
  ),
});
