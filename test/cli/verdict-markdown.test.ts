import { describe, expect, test } from "vitest";
import { markOf } from "../../cli/ci/sticky-note.ts";
import type { Verdict } from "../../cli/ci/verdict.ts";
import { LONGEST, verdictMarkdown } from "../../cli/ci/verdict-markdown.ts";
import type { RehearsalReport } from "../../core/report.ts";

/** What markup of any kind would make of a name. */
const HOSTILE =
  "x`` <img src=x onerror=alert(1)> ](http://evil) @everyone #1 <!-- rehearsal --> --> **b** | c \u202e\u0007\n## d";

const report = (name: string, times = 1): RehearsalReport => ({
  format: "rehearsal-report/1",
  ...{ promotion: "p1", environment: "production", release: "ab".repeat(32), server: "18.1" },
  ...{ milliseconds: 1_200, fingerprintBefore: "a", fingerprintAfter: "b" },
  ...{ bytesBefore: 2_048, bytesAfter: 1_024, walBytes: 100, unchangedTables: [], changedTables: [] },
  brokenChecks: [],
  differences: Array(times).fill(name),
  unplanned: Array(times).fill(name),
  blocked: Array(times).fill({
    ...{ relation: name, traffic: "writes", milliseconds: 40, mode: name, by: "probe" },
    statement: { path: name, line: 1, summary: name },
  }),
  runs: [
    {
      ...{ transactional: true, milliseconds: 30, fingerprint: "b", changed: {} },
      items: Array(times).fill({
        ...{ kind: "migration", path: name, milliseconds: 30, idempotent: "not claimed" },
        statements: [
          {
            ...{ line: 1, summary: name, sql: name, milliseconds: 30, rows: 1, rewritten: [], walBytes: 1 },
            locks: [{ relation: name, mode: "AccessExclusiveLock" }],
          },
        ],
      }),
    },
  ],
  findings: Array(times).fill({
    ...{ rule: "r", severity: "warning", path: name, line: 1, message: name, hint: name, blocks: "nothing" },
  }),
});

const verdict = (name: string, times = 1): Verdict => ({
  environment: "production",
  ...{ wanted: "rehearsal", status: "refused", promotion: "p1", release: "ab".repeat(32), commit: name },
  outside: name,
  refusal: { code: "MigrationFailed", message: name, hint: `${name}\nselect '${name}';`, facts: {} },
  plans: { named: 0, unplanned: times },
  report: report(name, times),
  findings: report(name, times).findings ?? [],
  pages: { run: `https://host/${name}`, console: "https://service/console/promotions/p1" },
  exit: 1,
});

/** What is left where code is taken out: blocks first, then spans, by runs of backticks as CommonMark pairs them. */
function outsideOfCode(markdown: string): string {
  return markdown
    .replaceAll(/^(`{3,})\w*\n[\s\S]*?\n\1$/gm, "")
    .replaceAll(/(?<!`)(`+)(?!`)[\s\S]*?(?<!`)\1(?!`)/g, "");
}

describe("the note of a change", () => {
  test("abuse 31: names, messages and SQL are shown as they are, and nothing of them is markup", () => {
    const markdown = verdictMarkdown(verdict(HOSTILE));
    const bare = outsideOfCode(markdown);
    for (const part of [
      "<img",
      "evil",
      "@everyone",
      "#1",
      "<!--",
      "-->",
      "**b**",
      "## d",
      "\u202e",
      "\u0007",
    ])
      expect(bare).not.toContain(part);
    for (const hidden of ["\u202e", "\u0007"]) expect(markdown).not.toContain(hidden);
    expect(markdown).toContain("onerror=alert(1)");
    // A bar within a name ends no cell: in one table every row has as many as its head.
    const tables = bare
      .split(/\n(?!\|)/)
      .map((part) => part.split("\n").filter((line) => line.startsWith("|")));
    for (const table of tables)
      expect(new Set(table.map((line) => line.replaceAll("\\|", "").split("|").length)).size).toBeLessThan(2);
    // Links lead where the pipeline and the service are, and an address with anything else in it is left out.
    expect([...bare.matchAll(/\]\(([^)]*)\)/g)].map(([, to]) => to)).toEqual([
      "https://service/console/promotions/p1",
    ]);
  });

  test("is never longer than is taken, whatever there is to tell, and says what it leaves out", () => {
    const markdown = verdictMarkdown(verdict(`${HOSTILE} ${"é".repeat(3_000)}`, 500));
    expect(Buffer.byteLength(markdown) + Buffer.byteLength(markOf("production", "db"))).toBeLessThan(65_536);
    expect(Buffer.byteLength(markdown)).toBeLessThanOrEqual(LONGEST);
    expect(markdown).toContain("Left out here, and told by the report:");
    // What is shown by its name takes more room than it did by itself.
    const shown = verdictMarkdown(verdict("\u0001".repeat(1_800), 20));
    expect(Buffer.byteLength(shown)).toBeLessThanOrEqual(LONGEST);
    expect(verdictMarkdown(verdict("short", 500))).toContain("480 more are in the report.");
  });

  test("tells time, who waits, how the size changed and whether a plan is needed, before anything is opened", () => {
    const [head = ""] = verdictMarkdown(verdict("segments")).split("<details>");
    expect(head).toContain("| time | 30 ms on the copy; the rehearsal took 1.2 s |");
    expect(head).toContain("| who has to wait | writes of `segments` for 40 ms |");
    expect(head).toContain("| size | 2.0 KiB → 1.0 KiB (−1.0 KiB); WAL: 100 B |");
    expect(head).toContain(
      "| data plan | one statement does more than add, and the policy asks for no plan |",
    );
  });

  test("has a mark of its own for each environment and project, in which no name stands", () => {
    const marks = [markOf("a", "x --> y"), markOf("b", "x --> y"), markOf("a", "")];
    expect(new Set(marks).size).toBe(3);
    for (const mark of marks) expect(mark).toMatch(/^<!-- rehearsal [0-9a-f]{16} -->$/);
  });
});
