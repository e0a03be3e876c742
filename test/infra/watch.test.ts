/** Whoever is called at night has a page for it: each alarm, and commands on it that there are. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { METRICS } from "../../core/metrics.ts";
import { watches } from "../../infra/watch.ts";

const ROOT = join(import.meta.dirname, "../..");
const read = (path: string) => readFileSync(join(ROOT, path), "utf8");
const WATCHES = watches({ alarms: { backupAgeDays: 8 } });

test("alarms are no more than cost nothing, and each is told on the page of operations", () => {
  expect(WATCHES.length).toBeLessThanOrEqual(10);
  const index = read("docs/operations/README.md");
  for (const { name } of WATCHES) expect(index).toContain(`(${name}.md)`);
});

test("what is watched is measured, in the way it is put together", () => {
  for (const { of, statistic, atLeast, lessThan } of WATCHES) {
    expect((atLeast === undefined) !== (lessThan === undefined)).toBe(true);
    if (typeof of === "string" || statistic === "SampleCount") continue;
    expect(METRICS[of.metric].statistic).toBe(statistic);
  }
});

describe.each(WATCHES)("$name", ({ name }) => {
  const page = read(`docs/operations/${name}.md`);

  test("has a page that says what it means, where to look and what to do", () => {
    expect(page).toContain(`\`rehearsal-STAGE-${name}\``);
    expect(page.match(/^## .+$/gm)).toEqual(["## Look", "## Do"]);
  });

  test("names commands that there are", () => {
    const commands = read("docs/cli.md").match(/(?<=^## `rehearsal )[^`]+/gm) ?? [];
    const named = [...page.matchAll(/(?:^|`)rehearsal ([a-z]+(?: [a-z]+)?)/gm)].map(
      ([, words = ""]) => words,
    );
    for (const words of named)
      expect(commands.some((command) => command === words || command === words.split(" ")[0])).toBe(true);
    const pages = readdirSync(join(ROOT, "docs/operations"));
    for (const [, other = ""] of page.matchAll(/\]\(([a-z-]+\.md)\)/g)) expect(pages).toContain(other);
  });
});
