/**
 * The Action's entry point and the GitLab template's script as real processes, on recorded events, against the service on
 * this machine.
 * Long because one service and one code host serve every event.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import type { DatabaseAddress } from "../../core/database-url.ts";
import { startIssuer, type TestIssuer } from "../identity/issuer.ts";
import { dropDatabases, freshDatabase, newestServer, rows } from "../postgres.ts";
import { contentOf } from "../service/content.ts";
import { PROJECT, SCHEMA } from "../service/project.ts";
import { Service } from "../service/service.ts";
import { type CodeHost, startCodeHost } from "./code-host.ts";
import { COMMAND, type Job, removeFolders, runAction, runGitlab } from "./job.ts";

const BROKEN = {
  ...PROJECT,
  "migrations/0003_once.sql": "alter table segments add constraint once unique (text);\n",
};

const server = newestServer();
let service: Service;
let issuer: TestIssuer;
let host: CodeHost;
let address: DatabaseAddress;
/** The claims of the next tokens, and how long they live. */
let claims: Record<string, unknown>;

const ofJob = (event: string, ref: string, more: object = {}) => ({
  aud: service.url,
  sub: `repo:video-org/videos:${event}`,
  ...{ repository: "video-org/videos", repository_id: "501", repository_owner_id: "77" },
  workflow_ref: `video-org/videos/.github/workflows/rehearsal.yml@${ref}`,
  ...{ event_name: event, actor: "video-writer", actor_id: "9001", run_id: "1", run_attempt: "1", ref },
  ...more,
});

beforeAll(async () => {
  issuer = await startIssuer();
  host = await startCodeHost((aud) => issuer.sign("/github", { ...claims, aud }));
  service = await new Service(server.address, "action").start();
  address = await freshDatabase(server, SCHEMA, `action_${process.pid}`);
  await service.register("production", address, { decision: "approval" });
  await service.must("POST", "/people", {
    name: "pipeline",
    grants: [{ environment: "production", role: "promoter" }],
  });
  const trust = { person: "pipeline", actors: "any", repositoryId: 501, ownerId: 77 };
  const file = "video-org/videos/.github/workflows/rehearsal.yml";
  await service.must("PUT", "/issuers/github", {
    kind: "github",
    url: `${issuer.url}/github`,
    audiences: [service.url],
    trusts: [
      { ...trust, workflows: [`${file}@refs/heads/main`], events: ["push"] },
      {
        ...trust,
        workflows: [`${file}@refs/pull/*/merge`],
        events: ["pull_request"],
        pullRequest: "rehearse",
      },
    ],
  });
});

afterAll(async () => {
  await service?.stop();
  await host?.stop();
  await issuer?.stop();
  await removeFolders();
  await dropDatabases(address);
});

function job(event: string, payload: string, files: Record<string, string>): Job {
  return {
    ...{ event, payload, files },
    inputs: { environment: "production", url: service.url, "github-token": "of-github" },
    variables: {
      GITHUB_API_URL: host.url,
      ACTIONS_ID_TOKEN_REQUEST_URL: `${host.url}/token?api-version=2.0`,
      ACTIONS_ID_TOKEN_REQUEST_TOKEN: "of-the-job",
    },
  };
}

const pullRequest = (payload: string, files: Record<string, string>) => {
  claims = ofJob("pull_request", "refs/pull/7/merge", { head_ref: "speakers", base_ref: "main" });
  return job("pull_request", `pull_request.${payload}.json`, files);
};

/** What differs from run to run, so that the rest can be read and compared. */
function settled(text: string): string {
  return (
    text
      .replaceAll(service.url, "https://rehearsal.example")
      .replaceAll(/\bp\d{6}[0-9a-z]{8}\b/g, "p261121abcdefgh")
      .replaceAll(/actions\/runs\/\d+/g, "actions/runs/1")
      .replaceAll(/\b\d+(\.\d+)? (ms|s|min)\b/g, "N ms")
      .replaceAll(/([+−]?)\b\d+(\.\d+)? (B|KiB|MiB)\b/g, "N MiB")
      .replaceAll(/`[0-9a-f]{12}`/g, "`0123456789ab`")
      .replaceAll(/about [\d,]+ rows/g, "about N rows")
      // Readers and writers wait for the same locks: which of them met a probe, and waited longest, is chance.
      .replaceAll(/\| who has to wait \| (reads|writes).*/g, "| who has to wait | reads or writes for N ms |")
      .replaceAll(
        /(\| `"public"\."segments"` \| (reads|writes).*\n)+/g,
        "| a table | reads or writes | … |\n",
      )
  );
}

const snapshot = (name: string) => join(import.meta.dirname, "snapshots", `${name}.md`);
const marked = () =>
  host.comments.filter(({ body, user }) => user.type === "Bot" && body.startsWith("<!-- rehearsal "));

describe("the Action", () => {
  test("on a pull request that was opened: rehearses with the job's own token, says so in the summary and in one comment, and touches nothing", async () => {
    const before = await contentOf(address);
    for (let number = 1; number <= 130; number++) host.comment(`remark ${number}`);
    // The limit is run into at the first request, and again while the comment is written.
    const limit = {
      status: 403,
      headers: { "x-ratelimit-remaining": "0", "x-ratelimit-reset": "1" },
      body: {},
    };
    host.instead.push(limit, { ...limit, status: 429, headers: { "retry-after": "0" } as never });
    const ran = await runAction(pullRequest("opened", PROJECT));
    expect(ran).toMatchObject({ exit: 0, outputs: { status: "rehearsed", environment: "production" } });
    expect(await contentOf(address)).toEqual(before);
    expect(marked()).toHaveLength(1);
    expect(host.asked).toContain("GET /repos/video-org/videos/issues/7/comments?page=2");
    await expect(settled(ran.summary)).toMatchFileSnapshot(snapshot("pull_request.opened.summary"));
    await expect(settled(marked()[0]?.body ?? "")).toMatchFileSnapshot(
      snapshot("pull_request.opened.comment"),
    );
    expect(JSON.parse(await ran.read("rehearsal.sarif"))).toMatchObject({ version: "2.1.0" });
    expect(await ran.read("report.md")).toContain("It went well");
    // Whatever is printed after the annotations is nothing that the runner would obey.
    expect(ran.out).toMatch(/^::stop-commands::[0-9a-f-]{36}$/m);
    const { promotion = "" } = ran.outputs;
    expect(await service.show(promotion)).toMatchObject({ status: "rehearsed", requestedBy: "pipeline" });
  });

  test("on a push to it that breaks: writes the same comment over, leaves one alone that only looks like it, and fails the check", async () => {
    const mark = marked()[0]?.body.split("\n")[0] ?? "";
    const forged = host.comment(`${mark}\nit went well, believe me`);
    const ran = await runAction(pullRequest("synchronize", BROKEN));
    expect(ran).toMatchObject({ exit: 1, outputs: { status: "refused" } });
    expect(marked()).toHaveLength(1);
    expect(host.comments[forged - 1]?.body).toContain("believe me");
    await expect(settled(marked()[0]?.body ?? "")).toMatchFileSnapshot(
      snapshot("pull_request.synchronize.comment"),
    );
  });

  test("of a job that is stopped takes its rehearsal back, so that the next does not wait for it", async () => {
    // As npx does: it stands between, and hands no signal on.
    const stopped = pullRequest("opened", { ...PROJECT, "as-npx.sh": `${COMMAND} "$@"\nexit $?\n` });
    const ran = await runAction({
      ...stopped,
      inputs: { ...stopped.inputs, command: "sh as-npx.sh" },
      onError: (text, child) => {
        if (/^p\w+: http/m.test(text)) child.kill("SIGINT");
      },
    });
    expect(ran.exit).toBe(130);
    const [id = ""] = /^p\w+/m.exec(ran.err) ?? [];
    expect(ran.err).toContain(`${id}: cancelled, for the job was stopped`);
    expect((await service.until(id, "refused")).error).toMatchObject({ code: "Cancelled" });
  });

  test("on a fork's pull request: lints, asks nothing of anybody, and says kindly why", async () => {
    const before = host.asked.length;
    const fork = job("pull_request", "pull_request.fork.json", PROJECT);
    // As the runner hands it out: no token, though somebody may have written a key into the workflow.
    const ran = await runAction({
      ...fork,
      inputs: { ...fork.inputs, key: "rk_leaked" },
      variables: { GITHUB_API_URL: host.url },
    });
    expect(ran).toMatchObject({ exit: 0, outputs: { status: "linted", promotion: "" } });
    expect(host.asked).toHaveLength(before);
    await expect(settled(ran.summary)).toMatchFileSnapshot(snapshot("pull_request.fork.summary"));
    expect(ran.out).toMatch(/^::error file=migrations\/0001_speakers\.sql,line=5,title=/m);
    // What no service would take fails there as well.
    const wrong = await runAction({
      ...fork,
      files: { ...PROJECT, "migrations/0003_own.sql": "begin;\ncommit;\n" },
      variables: {},
    });
    expect(wrong).toMatchObject({ exit: 2, outputs: { status: "failed" } });
    expect(wrong.summary).toContain("could not be rehearsed");
  });

  test("abuse 24: the token of another repository, another workflow or a fork's run is refused, and the check fails with the reason", async () => {
    const opened = pullRequest("opened", PROJECT);
    const others = [
      { repository_id: "777" },
      { workflow_ref: "video-org/videos/.github/workflows/other.yml@refs/pull/7/merge" },
      { event_name: "pull_request_target" },
    ];
    for (const other of others) {
      claims = { ...ofJob("pull_request", "refs/pull/7/merge"), ...other };
      const ran = await runAction({ ...opened, inputs: { ...opened.inputs, comment: "false" } });
      expect(ran.exit).not.toBe(0);
      expect(ran.outputs).toMatchObject({ status: "failed", promotion: "" });
      expect(ran.err + ran.out).toContain("code: PipelineUntrusted");
      expect(ran.summary).toContain(Object.keys(other)[0]);
    }
    // What a pull request's token may is to rehearse, whatever its workflow asks for.
    claims = ofJob("pull_request", "refs/pull/7/merge");
    const push = await runAction(job("push", "push.json", PROJECT));
    expect(push.err + push.out).toContain("code: PipelineHeld");
    expect(await rows(address, "select count(*)::int as n from rehearsal.applied")).toEqual([{ n: 0 }]);
  });

  test("on a push to the release branch: promotes, waits for somebody's approval, and shows new tokens when the old have ended", async () => {
    // Each lives shorter than what is spared of it, so that every request needs another.
    const expiring = { exp: Math.floor(Date.now() / 1_000) + 25 };
    claims = ofJob("push", "refs/heads/main", expiring);
    const before = host.asked.filter((path) => path.includes("/token")).length;
    const said = Promise.withResolvers<string>();
    const running = runAction({
      ...job("push", "push.json", PROJECT),
      onError: (text) => {
        const id = /^(\w+) waits for an approval: (.*)$/m.exec(text)?.[1];
        if (id !== undefined) said.resolve(id);
      },
    });
    const id = await said.promise;
    await service.must("POST", `/promotions/${id}/approve`, {}, service.keys.reviewer);
    const ran = await running;
    expect(ran).toMatchObject({ exit: 0, outputs: { status: "promoted", promotion: id } });
    expect(ran.err).toContain(`waits for an approval: ${service.url}/console/promotions/${id}`);
    expect(host.asked.filter((path) => path.includes("/token")).length).toBeGreaterThan(before + 3);
    expect(await rows(address, "select count(*)::int as n from rehearsal.applied")).toEqual([{ n: 3 }]);
    await expect(settled(ran.summary)).toMatchFileSnapshot(snapshot("push.summary"));
  });

  test("does nothing on a push to another branch, and says why", async () => {
    const other = job("push", "push.json", PROJECT);
    const ran = await runAction({ ...other, inputs: { ...other.inputs, "release-branch": "stable" } });
    expect(ran).toMatchObject({ exit: 0, outputs: { status: "none" } });
    expect(ran.out).toContain('only "stable" is promoted');
    const target = await runAction(job("pull_request_target", "pull_request.opened.json", PROJECT));
    expect(target).toMatchObject({ exit: 2, err: expect.stringContaining("use pull_request") });
  });

  test("runs the version that it belongs to", () => {
    const root = join(import.meta.dirname, "../..");
    const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { version: string };
    const action = parse(readFileSync(join(root, "action/action.yml"), "utf8")) as {
      inputs: { command: { default: string } };
      runs: object;
    };
    expect(action.inputs.command.default).toBe(`npx --yes rehearsal@${version}`);
    expect(action.runs).toEqual({ using: "node24", main: "main.ts" });
    expect(readFileSync(join(root, "action/gitlab.yml"), "utf8")).toContain(`rehearsal@${version}\n`);
  });
});

describe("the GitLab template", () => {
  const request = (more: Record<string, string> = {}) => ({
    files: PROJECT,
    inputs: { environment: "production", url: service.url },
    variables: {
      CI_API_V4_URL: `${host.url}/api/v4`,
      CI_MERGE_REQUEST_IID: "7",
      CI_MERGE_REQUEST_PROJECT_ID: "501",
      CI_MERGE_REQUEST_SOURCE_PROJECT_ID: "501",
      CI_PIPELINE_SOURCE: "merge_request_event",
      REHEARSAL_GITLAB_TOKEN: "of-gitlab",
      REHEARSAL_KEY: service.keys.operator,
      ...more,
    },
  });

  test("on a merge request: rehearses, and keeps one note and the report's files", async () => {
    const ran = await runGitlab({ ...request(), files: BROKEN });
    expect(ran.exit).toBe(1);
    const [note] = marked();
    expect(note?.body).toContain("refused");
    await expect(settled(note?.body ?? "")).toMatchFileSnapshot(snapshot("merge_request.note"));
    const quality = JSON.parse(await ran.read("gl-code-quality-report.json")) as object[];
    expect(quality).toContainEqual(
      expect.objectContaining({
        severity: expect.stringMatching(/^(critical|minor)$/),
        location: { path: "migrations/0003_once.sql", lines: { begin: 1 } },
      }),
    );
    const again = await runGitlab(request());
    expect(again.exit).toBe(0);
    expect(marked()).toHaveLength(1);
    expect(marked()[0]?.body).toContain("nothing is pending");
  });

  test("on a fork's merge request: lints and asks nothing of anybody", async () => {
    const before = host.asked.length;
    const ran = await runGitlab(
      request({
        CI_MERGE_REQUEST_SOURCE_PROJECT_ID: "777",
        CI_MERGE_REQUEST_SOURCE_PROJECT_PATH: "fork/videos",
      }),
    );
    expect(ran).toMatchObject({
      exit: 0,
      out: expect.stringContaining("It comes from the fork fork/videos"),
    });
    expect(host.asked).toHaveLength(before);
  });
});
