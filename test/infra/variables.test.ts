/** What functions are told, held against what the code asks for: in the sources, and not in a list that somebody keeps. */
import { globSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { beforeAll, expect, test } from "vitest";
import type { Deployment } from "../../infra/deployment.ts";
import { FUNCTION_NAMES, type FunctionName } from "../../workflows/modules.ts";
import { ROOT } from "./program/platform.ts";
import { ACCOUNT, evaluate, type Program } from "./program.ts";
import { functionOf } from "./rules/functions.ts";
import { at } from "./rules/look.ts";

/** Asked for and not told, each for a reason; what is missing there, has what is said here. */
const UNTOLD: Record<string, string> = {
  REHEARSAL_FILES: "policies may name files only where the functions run beside them, on one machine",
  REHEARSAL_STORES: "so are the folders in which stores may lie",
  REHEARSAL_LOCAL_ISSUERS: "issuers without TLS are known on one machine alone",
  REHEARSAL_LOCAL_NOTICES: "so are webhooks without TLS",
  REHEARSAL_LOG: "lines are for a person at a terminal on one machine alone",
  REHEARSAL_LIMIT_SECONDS: "has a default",
  REHEARSAL_LIMIT_FAILURES: "has a default",
  REHEARSAL_LIMIT_KEY_FAILURES: "has a default",
  REHEARSAL_LIMIT_REQUESTS: "has a default",
};

let asked: Set<string>;
let programs: Program[];
const deployed = (stage: string, region: string): Deployment => ({
  ...{ app: "rehearsal", stage, partition: "aws", region, account: ACCOUNT },
});
/** One has a database of its own, the other a container. */
const DEPLOYMENTS = [deployed("trial", "us-east-1"), deployed("example", "eu-west-1")];

beforeAll(async () => {
  asked = await askedFor();
  programs = [];
  for (const { stage } of DEPLOYMENTS) programs.push(await evaluate(stage));
}, 600_000);

const toldTo = (name: FunctionName) =>
  DEPLOYMENTS.flatMap((d, index) => {
    const made = programs[index] && functionOf(programs[index], d, name);
    return Object.keys((made && at(made, "environment.variables")) ?? {});
  });

test("what the code asks for is told, or there is a reason why not", () => {
  expect(asked.size).toBeGreaterThan(15);
  const told = new Set(FUNCTION_NAMES.flatMap(toldTo));
  expect([...asked].filter((name) => !told.has(name) && !(name in UNTOLD)).sort()).toEqual([]);
});

test("nothing is told that nobody asks for, and no reason outlives what it is about", () => {
  const told = new Set(FUNCTION_NAMES.flatMap(toldTo));
  expect([...told].filter((name) => name.startsWith("REHEARSAL_") && !asked.has(name)).sort()).toEqual([]);
  expect(Object.keys(UNTOLD).filter((name) => !asked.has(name) || told.has(name))).toEqual([]);
});

test("only what prepares the control database is told of its master and of the first person's key", () => {
  for (const name of FUNCTION_NAMES.filter((each) => each !== "prepare"))
    expect(
      toldTo(name).filter((variable) => /MASTER|FIRST_KEY/.test(variable)),
      name,
    ).toEqual([]);
  expect(toldTo("prepare")).toContain("REHEARSAL_FIRST_KEY_SECRET");
});

/** Every variable of ours that a function's code names; the container's orders come with its task, and are no settings. */
async function askedFor(): Promise<Set<string>> {
  const files = globSync("{functions,io}/**/*.ts", { cwd: ROOT }).filter(
    (file) => !file.startsWith("functions/container/"),
  );
  const texts = await Promise.all(files.map((file) => readFile(`${ROOT}/${file}`, "utf8")));
  return new Set(
    texts
      .map((text) => text.replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, ""))
      .flatMap((text) => [...text.matchAll(/\bREHEARSAL_[A-Z_]*[A-Z]\b/g)].map(([name]) => name)),
  );
}
