/** `rehearsal ci` where nothing runs behind the API: what it asks for, and what it does when it is refused. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { RehearsalError, toErrorRecord } from "../../core/errors.ts";
import { updatePromotion } from "../../io/ledger/promotions.ts";
import { type CodeHost, startCodeHost } from "../action/code-host.ts";
import { registerFresh } from "../api/world.ts";
import { type CommandWorld, openCommandWorld, type RunOptions } from "./command.ts";

const FILES = {
  "rehearsal.yaml": "project: library\n",
  "migrations/0001_make.sql": "create table books (id int);\n",
};

const PAYLOAD = join(import.meta.dirname, "../action/fixtures/pull_request.opened.json");

let world: CommandWorld;
let host: CodeHost;

beforeAll(async () => {
  world = await openCommandWorld();
  host = await startCodeHost(async () => "");
});

afterAll(async () => {
  await host?.stop();
  await world?.close();
});

async function github(
  environment: string,
  more: Record<string, string> = {},
  words: string[] = [],
  { onError, files = {} }: Pick<RunOptions, "onError"> & { files?: Record<string, string> } = {},
) {
  const folder = await world.folder({ ...FILES, ...files, "summary.md": "" });
  const ran = await world.run(["ci", "github", "--environment", environment, "--wait", "0", ...words], {
    folder,
    ...(onError && { onError }),
    variables: {
      GITHUB_API_URL: host.url,
      GITHUB_EVENT_NAME: "pull_request",
      GITHUB_EVENT_PATH: PAYLOAD,
      GITHUB_REPOSITORY: "video-org/videos",
      GITHUB_RUN_ID: "1",
      GITHUB_STEP_SUMMARY: join(folder, "summary.md"),
      GITHUB_TOKEN: "of-github",
      ...more,
    },
  });
  return { ...ran, summary: await readFile(join(folder, "summary.md"), "utf8") };
}

test("promote --rehearse-only starts a rehearsal alone, and one more beside it is locked out", async () => {
  await registerFresh(world, "alone");
  const folder = await world.folder(FILES);
  const words = ["promote", "alone", "--rehearse-only"];
  const begun = await world.json<{ rehearseOnly: boolean }>(words, { folder });
  expect(begun).toMatchObject({ exit: 0, value: { rehearseOnly: true } });
  expect(await world.json(words, { folder })).toMatchObject({
    exit: 5,
    value: { error: { code: "EnvironmentLocked", hint: expect.stringContaining("rehearsal watch") } },
  });
  // A promotion does not wait for it.
  expect((await world.run(["promote", "alone"], { folder })).exit).toBe(0);
});

describe("where a promotion holds the environment", () => {
  beforeAll(async () => {
    await registerFresh(world, "held");
    await world.run(["promote", "held"], { folder: await world.folder(FILES) });
  });

  test("a change whose turn does not come in time ends with the lock's exit code, and its comment says whose it is", async () => {
    const ran = await github("held");
    expect(ran.exit).toBe(5);
    expect(ran.out).toContain("code: EnvironmentLocked");
    expect(host.comments.at(-1)?.body).toMatch(/`held`: could not be rehearsed[\s\S]*is locked by p/);
    expect(ran.summary).toContain("Hint: `wait for it with");
  });

  test("a comment that may not be written changes no verdict, and the summary tells what it takes", async () => {
    const ran = await github("held", { GITHUB_TOKEN: "of-nobody" });
    expect(ran.exit).toBe(5);
    expect(ran.summary).toContain("The comment was not written: NoteRefused.");
    expect(ran.summary).toContain("pull-requests: write");
    const before = host.asked.length;
    expect((await github("held", {}, ["--no-note"])).exit).toBe(5);
    expect(host.asked).toHaveLength(before);
  });

  test("an answer of the code host that is about something else changes no verdict, and the summary says so", async () => {
    host.instead.push({ status: 200, headers: {}, body: { page: "sign in first" } });
    const ran = await github("held");
    expect(ran).toMatchObject({ exit: 5, err: expect.stringContaining("the answer is not understood") });
    expect(ran.summary).toMatch(/is locked by p[\s\S]*The comment was not written: NoteRefused\./);
  });

  test("a report's folder that cannot be made fails the run, and is told as what it is", async () => {
    const ran = await github("held", {}, ["--output", "rehearsal.yaml"]);
    expect(ran).toMatchObject({ exit: 2, err: expect.stringContaining("code:  InputInvalid") });
    expect(ran.err).toContain("--output");
  });
});

test("abuse 31: where the project is refused, a file's name that reads like a runner's command is only shown", async () => {
  const forged = "::set-output name=status::promoted";
  const ran = await github("held", {}, [], {
    files: { [`migrations/0002_b\n${forged}\n.sql`]: "nonsense;\n" },
  });
  expect(ran).toMatchObject({ exit: 2, out: expect.stringContaining("code: SqlSyntax") });
  const lines = ran.out.split("\n");
  expect(lines[0]).toMatch(/^::stop-commands::[0-9a-f-]{36}$/);
  expect(lines.indexOf(forged)).toBeGreaterThan(0);
  expect(lines.filter((line) => line.startsWith("::stop-commands::"))).toHaveLength(1);
});

test("a rehearsal that gave way is begun again, and the verdict is the last one's", async () => {
  await registerFresh(world, "again");
  const ended: Promise<void>[] = [];
  const onError = (text: string) => {
    const ids = [...text.matchAll(/^(p\w+): http/gm)].map(([, id = ""]) => id);
    const id = ids[ended.length];
    if (id === undefined) return;
    const gaveWay = toErrorRecord(new RehearsalError("RehearsalOvertaken", { by: "p260101abcdefgh" }));
    ended.push(
      updatePromotion(
        world.ledger,
        id,
        ended.length === 0 ? { status: "refused", error: gaveWay } : { status: "rehearsed" },
      ),
    );
  };
  const ran = await github("again", {}, ["--wait", "1"], { onError });
  await Promise.all(ended);
  expect(ended).toHaveLength(2);
  expect(ran.exit).toBe(0);
  expect(ran.err).toContain("it begins again when its turn comes");
  expect(host.comments.at(-1)?.body).toContain("`again`: the rehearsal went well");
});

test("what is no pipeline, or none that is known, is refused with what to do", async () => {
  const folder = await world.folder(FILES);
  for (const [where, variables, problem] of [
    ["github", {}, "this is no job of GitHub Actions"],
    ["github", { GITHUB_EVENT_NAME: "issues", GITHUB_EVENT_PATH: PAYLOAD }, "nothing is done on issues"],
    ["github", { GITHUB_EVENT_NAME: "push", GITHUB_EVENT_PATH: PAYLOAD }, "is not understood"],
    ["github", { GITHUB_EVENT_NAME: "push", GITHUB_EVENT_PATH: "/nowhere" }, "leads to no payload"],
    ["gitlab", {}, "this is no job of GitLab CI"],
  ] as const) {
    const ran = await world.run(["ci", where, "--environment", "held"], { folder, variables });
    expect(ran).toMatchObject({ exit: 2, err: expect.stringContaining("code:  PipelineUnfit") });
    expect(ran.err).toContain(problem);
    expect(ran.err).toContain("hint:  docs/ci.md has the workflow files whole");
  }
  const wrong = await world.run(["ci", "gitlab", "--environment", "held", "--wait", "soon"], { folder });
  expect(wrong).toMatchObject({ exit: 2, err: expect.stringContaining("is no number of minutes") });
});
