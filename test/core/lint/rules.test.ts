/** Every rule on its own examples: the bad one is found, the good one is not, whatever else is said of them. */
import { describe, expect, test } from "vitest";
import { nearest } from "../../../core/did-you-mean.ts";
import { lint } from "../../../core/lint/lint.ts";
import type { Rule } from "../../../core/lint/rule.ts";
import { RULES } from "../../../core/lint/rules.ts";
import { projectOf } from "./project-of.ts";

const PROTECTED = new Set(['"public"."customers"']);

/** The rule's findings in an example, after its set-up, which production had before. */
async function found(rule: Rule, sql: string) {
  const kind = rule.exampleKind ?? "migration";
  const files = sql.split("\n-- the next file\n");
  const before = rule.setup === "" ? [] : [rule.setup];
  const project = await projectOf(
    kind === "migration"
      ? { migrations: [...before, ...files] }
      : { migrations: before, [`${kind}s`]: files },
  );
  const pending = new Set(
    [...project.migrations, ...project.views, ...project.seeds].slice(before.length).map(({ path }) => path),
  );
  return lint(project, { pending, protectedTables: PROTECTED });
}

describe.each(RULES)("rule $id", (rule) => {
  test("finds its bad example, with its line, a message and a mend", async () => {
    const findings = (await found(rule, rule.bad)).filter((one) => one.rule === rule.id);
    expect(findings.length).toBeGreaterThan(0);
    for (const { message, hint, line, severity } of findings) {
      expect(message).toMatch(/^([^A-Z]|[A-Z]{2}).*[^.]$/s);
      expect(message).not.toContain("undefined");
      expect(hint.length).toBeGreaterThan(10);
      expect(line).toBeGreaterThan(0);
      expect(["error", "warning"]).toContain(severity);
    }
  });

  test("finds nothing in its good example, and no other rule finds an error there", async () => {
    const findings = (await found(rule, rule.good)).filter(({ suppressed }) => suppressed === undefined);
    expect(findings.filter((one) => one.rule === rule.id || one.severity === "error")).toEqual([]);
  });
});

test("the rules' names are unlike each other, and each has words for its page", () => {
  const ids = RULES.map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  for (const { id, title, why, mend } of RULES) {
    expect(id).toMatch(/^[a-z]+(-[a-z]+)*$/);
    expect(nearest(id, ids)).toBe(id);
    expect(title).toMatch(/[^.]$/);
    expect(why).toMatch(/\.$/);
    expect(mend.length).toBeGreaterThan(10);
  }
});
