/** The repository's own pipelines: their grammar, and what keeps somebody else's code and credentials out of them. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { validateAction, validateWorkflow } from "@action-validator/core";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";

const ROOT = join(import.meta.dirname, "../..");
const FOLDER = join(ROOT, ".github/workflows");
const PIPELINES = readdirSync(FOLDER).map((name) => ({
  name,
  text: readFileSync(join(FOLDER, name), "utf8"),
}));
const { scripts } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as {
  scripts: Record<string, string>;
};

interface Job {
  permissions?: Record<string, string>;
  uses?: string;
  steps?: { uses?: string; run?: string; with?: Record<string, unknown> }[];
}

test("the action and the pipelines keep to their grammar, and what does not is told", () => {
  const action = readFileSync(join(ROOT, "action/action.yml"), "utf8");
  // The grammar's newest runtime is one behind.
  expect(validateAction(action.replace("using: node24", "using: node20")).errors).toEqual([]);
  for (const { text } of PIPELINES) expect(validateWorkflow(text).errors).toEqual([]);
  const [{ text = "" } = {}] = PIPELINES;
  expect(validateWorkflow(text.replace("runs-on:", "runs-at:")).errors).not.toEqual([]);
});

describe.each(PIPELINES)("$name", ({ text }) => {
  const pipeline = parse(text) as { permissions: Record<string, string>; jobs: Record<string, Job> };
  const jobs = Object.values(pipeline.jobs);
  const steps = jobs.flatMap((job) => job.steps ?? []);

  test("uses others' actions by their commit alone, and leaves no credentials in the checkout", () => {
    for (const { uses } of steps)
      if (uses !== undefined && !uses.startsWith("./"))
        expect(uses).toMatch(/^[\w.-]+\/[\w.-]+@[0-9a-f]{40}$/);
    const checkouts = steps.filter(({ uses }) => uses?.startsWith("actions/checkout@"));
    expect(checkouts.length).toBeGreaterThan(0);
    for (const checkout of checkouts) expect(checkout.with).toMatchObject({ "persist-credentials": false });
  });

  test("holds no right to write but on a comment and on its own token, and no stored secret", () => {
    for (const { permissions } of [pipeline, ...jobs])
      for (const [right, level] of Object.entries(permissions ?? {}))
        if (level === "write") expect(["id-token", "pull-requests"]).toContain(right);
    expect(pipeline.permissions.contents).toBe("read");
    expect(text).not.toMatch(/secrets\.|pull_request_target/);
  });

  test("runs what there is", () => {
    for (const { run = "" } of steps)
      for (const [, name = ""] of run.matchAll(/npm run (\S+)/g)) expect(scripts).toHaveProperty(name);
  });
});
