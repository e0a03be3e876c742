/**
 * Tokens of pipelines, with the claims that GitHub and GitLab put into them, put to the API.
 * Long because every claim that is pinned has a case of its own, and both kinds of issuer are put to one service.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startSession } from "../../functions/identity/sessions.ts";
import { ask, type Started } from "../api/course.ts";
import {
  keepPerson,
  openWorld,
  type Problem,
  registerFresh,
  uploadRelease,
  type World,
} from "../api/world.ts";
import { refusalOf } from "../refusal.ts";
import { startIssuer, type TestIssuer } from "./issuer.ts";

let world: World;
let issuer: TestIssuer;
let release: string;

const WORKFLOW = "octo-org/library/.github/workflows/promote.yml@refs/heads/main";

/** As of a push to main: https://docs.github.com/en/actions/reference/security/oidc */
const PUSH = {
  sub: "repo:octo-org@2020/library@424242:environment:production",
  actor: "octocat",
  actor_id: "1001",
  base_ref: "",
  environment: "production",
  event_name: "push",
  head_ref: "",
  job_workflow_ref: WORKFLOW,
  ref: "refs/heads/main",
  ref_type: "branch",
  repository: "octo-org/library",
  repository_id: "424242",
  repository_owner: "octo-org",
  repository_owner_id: "2020",
  run_attempt: "1",
  run_id: "22259804324",
  run_number: "42",
  runner_environment: "github-hosted",
  workflow_ref: WORKFLOW,
};

const PULL_REQUEST = {
  ...PUSH,
  sub: "repo:octo-org@2020/library@424242:pull_request",
  actor_id: "5005",
  base_ref: "main",
  environment: undefined,
  event_name: "pull_request",
  head_ref: "add-authors",
  ref: "refs/pull/7/merge",
  workflow_ref: "octo-org/library/.github/workflows/rehearse.yml@refs/pull/7/merge",
};

/** https://docs.gitlab.com/ci/secrets/id_token_authentication */
const JOB = {
  sub: "project_path:group/library:ref_type:branch:ref:main",
  environment: "production",
  job_id: "302",
  job_project_id: "46573356",
  namespace_id: "72",
  pipeline_id: "574",
  pipeline_source: "push",
  project_id: "46573356",
  project_path: "group/library",
  ref: "main",
  ref_path: "refs/heads/main",
  ref_protected: "true",
  ref_type: "branch",
  user_id: "184239",
};

const trust = {
  person: "github-promote",
  repositoryId: 424242,
  ownerId: "2020",
  workflows: [WORKFLOW],
  events: ["push", "workflow_dispatch"],
  environment: "production",
};

beforeAll(async () => {
  world = await openWorld();
  issuer = await startIssuer();
  await registerFresh(world, "production");
  await registerFresh(world, "staging", { role: "prod", policy: { decision: "approval" } });
  release = await uploadRelease(world);
  await keepPerson(world.ledger, "operator", "rk_operator", [{ environment: "*", role: "approver" }]);
  for (const name of ["github-promote", "github-rehearse", "gitlab-promote"])
    await keepPerson(world.ledger, name, `rk_${name}`);
  await must("PUT", "/issuers/github", {
    kind: "github",
    url: `${issuer.url}/github`,
    audiences: ["rehearsal"],
    trusts: [
      trust,
      {
        ...trust,
        person: "github-rehearse",
        environment: undefined,
        workflows: ["octo-org/library/.github/workflows/rehearse.yml@refs/pull/*/merge"],
        events: ["pull_request"],
        pullRequest: "rehearse",
        scope: [{ environment: "production", role: "promoter" }],
      },
    ],
  });
  await must("PUT", "/issuers/gitlab", {
    kind: "gitlab",
    url: `${issuer.url}/gitlab`,
    audiences: ["rehearsal"],
    trusts: [
      {
        person: "gitlab-promote",
        projectId: "46573356",
        refs: ["refs/heads/main"],
        sources: ["push", "web"],
        environment: "production",
        actors: "any",
      },
    ],
  });
  for (const [path, subject] of [
    ["github", "actor:1001"],
    ["gitlab", "actor:184239"],
  ])
    await must("POST", "/people/operator/identities", { issuer: `${issuer.url}/${path}`, subject });
});

afterAll(async () => {
  await issuer?.stop();
  await world?.close();
});

async function must<Body = Record<string, unknown>>(
  method: string,
  path: string,
  body?: unknown,
  token?: string,
) {
  const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const answer = await world.call<Body>(method, path, body, headers);
  if (answer.status >= 300) throw new Error(`${method} ${path}: ${JSON.stringify(answer.body)}`);
  return answer.body;
}

const as = async (path: "/github" | "/gitlab", claims: object) =>
  issuer.sign(path, claims as Record<string, unknown>);

async function show<Body = Problem>(token: string, method = "GET", path = "/me", body?: unknown) {
  return world.call<Body>(method, path, body, { authorization: `Bearer ${token}` });
}

describe("a workflow of GitHub Actions", () => {
  test("that is trusted speaks as whoever set it off, and may what its own person may, without administering", async () => {
    const me = await must("GET", "/me", undefined, await as("/github", PUSH));
    expect(me).toMatchObject({
      person: "operator",
      credential: {
        kind: "token",
        id: "github github-promote octo-org/library run 22259804324.1 push",
      },
      grants: [
        { environment: "*", role: "promoter" },
        { environment: "*", role: "approver" },
      ],
    });
  });

  test("abuse 25: a workflow promotes in the name of whoever set it off, so that they approve it neither by their key nor by a workflow", async () => {
    const token = await as("/github", PUSH);
    const body = { environment: "staging", release };
    const { id, requestedBy } = await must<Started & { requestedBy: string }>(
      "POST",
      "/promotions",
      body,
      token,
    );
    expect(requestedBy).toBe("operator");
    await ask(world, id);
    const again = await as("/github", { ...PUSH, run_id: "22259804399", event_name: "workflow_dispatch" });
    for (const credential of ["rk_operator", token, again])
      expect(await show(credential, "POST", `/promotions/${id}/approve`, {})).toMatchObject({
        status: 403,
        body: { code: "OwnApproval", hint: expect.stringContaining("a second person") },
      });
    await must("POST", `/promotions/${id}/approve`, {});
  });

  test.each<[how: string, claims: object]>([
    ["that is run again", { run_attempt: "2" }],
    ["that does not tell which attempt it is", { run_attempt: undefined }],
  ])("abuse 25: a workflow %s decides nothing, for the token names who began it", async (_, claims) => {
    const { person, grants } = await must<{ person: string; grants: object[] }>(
      "GET",
      "/me",
      undefined,
      await as("/github", { ...PUSH, ...claims }),
    );
    expect({ person, grants }).toEqual({
      person: "operator",
      grants: [{ environment: "*", role: "promoter" }],
    });
  });

  test("that nobody knows set off is refused, and the hint tells how to say who it was", async () => {
    const answer = await show(await as("/github", { ...PUSH, actor_id: "9009" }));
    expect(answer).toMatchObject({ status: 401, body: { code: "IdentityUnknown" } });
    expect(answer.body.hint).toContain(`rehearsal person identity NAME ${issuer.url}/github 'actor:9009'`);
  });

  const misfits: [what: string, claims: object, named: string][] = [
    ["of a fork", { repository_id: "777", repository: "somebody/library" }, 'repository_id is "777"'],
    ["of a repository of the same name, made anew", { repository_id: "999" }, 'repository_id is "999"'],
    ["of the repository under another owner", { repository_owner_id: "3030" }, 'owner_id is "3030"'],
    ["in another file", { workflow_ref: WORKFLOW.replace("promote", "other") }, "workflow_ref is"],
    [
      "in a version of the file that is not merged",
      { workflow_ref: WORKFLOW.replace("main", "mine"), ref: "refs/heads/mine" },
      "workflow_ref is",
    ],
    [
      "in a file whose name only begins so",
      { workflow_ref: WORKFLOW.replace("promote.yml", "promote.yml.yml") },
      "workflow_ref is",
    ],
    ["set off by another event", { event_name: "schedule" }, 'event_name is "schedule"'],
    ["in another environment", { environment: "staging" }, 'environment is "staging"'],
    ["in no environment", { environment: undefined }, "environment is null"],
    ["of a fork's pull request", { ...PULL_REQUEST, repository_id: "777" }, 'repository_id is "777"'],
    [
      "of a pull request that runs the promoting file",
      { ...PULL_REQUEST, workflow_ref: WORKFLOW.replace("heads/main", "pull/7/merge") },
      "workflow_ref is",
    ],
    [
      "of a pull request under a trusted event's name",
      { head_ref: "add-authors", base_ref: "main" },
      'head_ref is "add-authors"',
    ],
    ["of a pull request told by its ref alone", { ref: "refs/pull/7/merge" }, "head_ref is"],
    ["of pull_request_target", { event_name: "pull_request_target" }, 'event_name is "pull_request_target"'],
    ["behind another workflow", { event_name: "workflow_run" }, 'event_name is "workflow_run"'],
    ["that does not say which repository it is of", { repository_id: undefined }, "repository_id is null"],
    ["with a list for an id", { repository_id: ["424242"] }, "repository_id is null"],
  ];

  test.each(misfits)("abuse 24: a workflow %s is refused", async (_, claims, named) => {
    const answer = await show(await as("/github", { ...PUSH, ...claims }));
    expect(answer).toMatchObject({ status: 403, body: { code: "PipelineUntrusted" } });
    expect(answer.body.detail).toContain(named);
    expect(answer.body.hint).toContain("rehearsal issuer list");
    // What would have been right is nobody's business who is not trusted.
    const all = JSON.stringify(answer.body);
    expect(all).not.toContain("github-promote");
    if (!("workflow_ref" in claims)) expect(all).not.toContain("promote.yml");
  });

  test("abuse 24: a workflow of a pull request may rehearse, and nothing that lasts", async () => {
    const token = await as("/github", PULL_REQUEST);
    expect(await show(token)).toMatchObject({
      status: 200,
      body: { person: "github-rehearse", grants: [{ environment: "production", role: "promoter" }] },
    });
    const held: [method: string, path: string, body: object | undefined, may: string][] = [
      ["POST", "/promotions", { environment: "production", release }, "it rehearses alone"],
      ["POST", "/promotions/p260101abcdefgh/approve", { evidence: "0".repeat(64) }, "it uploads releases"],
      ["POST", "/promotions/p260101abcdefgh/rollback", {}, "it uploads releases"],
      ["POST", "/backups", { environment: "production" }, "it uploads releases"],
      ["PATCH", "/environments/production", { policy: {} }, "it uploads releases"],
      ["POST", "/keys", { label: "kept" }, "it hands out no credentials"],
      ["POST", "/sign-ins", {}, "it hands out no credentials"],
    ];
    for (const [method, path, body, may] of held) {
      const answer = await show(token, method, path, body);
      expect(answer, path).toMatchObject({ status: 403, body: { code: "PipelineHeld" } });
      expect(answer.body.detail, path).toContain(may);
    }
    const rehearsal = await must<{ id: string; requestedBy: string; rehearseOnly: boolean }>(
      "POST",
      "/promotions",
      { environment: "production", release, rehearseOnly: true },
      token,
    );
    expect(rehearsal).toMatchObject({ requestedBy: "github-rehearse", rehearseOnly: true });
    expect(
      (await world.send(`/promotions/${rehearsal.id}`, { headers: { authorization: `Bearer ${token}` } }))
        .status,
    ).toBe(200);
  });

  test("abuse 24: a workflow of a pull request reads no production rows, however it spells their address", async () => {
    const token = await as("/github", PULL_REQUEST);
    const { id } = await must<Started>("POST", "/promotions", { environment: "production", release });
    await world.store.put(`backups/production/${id}-1/data/rows.zst`, Buffer.from("rows"));
    const backup = await must<{ id: string }>("POST", "/environments/production/backups", {});
    for (const path of [
      `/promotions/${id}/artifacts/backup/1/data/rows.zst`,
      `/promotions/${id}/artifacts/backup%2F1%2Fdata/rows.zst`,
      `/tasks/${backup.id}/files`,
    ]) {
      const answer = await show(token, "GET", path);
      expect(answer, path).toMatchObject({ status: 403, body: { code: "PipelineHeld" } });
      expect(answer.body.detail).toContain("it reads no production rows");
      expect(answer.body.hint).not.toBe("");
    }
    await must("POST", `/promotions/${id}/cancel`, {});
  });

  test("that promotes hands out no credentials, though the person it speaks for may", async () => {
    const token = await as("/github", PUSH);
    for (const [path, body] of [
      ["/keys", { label: "kept" }],
      ["/sign-ins", {}],
    ] as const)
      expect(await show(token, "POST", path, body)).toMatchObject({
        status: 403,
        body: { code: "PipelineHeld" },
      });
  });

  test("begins no session, by whatever door", async () => {
    const grants = [{ environment: "*", role: "admin" }] as const;
    const credential = { kind: "token", id: "github" } as const;
    const refused = await refusalOf(() =>
      startSession(world.ledger, { person: "operator", credential, grants, pipeline: "promotes" }),
    );
    expect(refused).toMatchObject({ code: "PipelineHeld", hint: expect.stringContaining("do it yourself") });
  });

  test("that was set off by somebody who is disabled, or whose own person is, opens nothing", async () => {
    for (const name of ["operator", "github-promote"]) {
      await must("POST", `/people/${name}/disable`);
      const answer = await show(await as("/github", PUSH));
      expect(answer).toMatchObject({ status: 401, body: { code: "Unauthorized" } });
      expect(answer.body.detail).toContain(`"${name}" is disabled`);
      await must("POST", `/people/${name}/enable`);
    }
    expect((await show(await as("/github", PUSH))).status).toBe(200);
  });

  test("whose token does not say from when it is good is refused", async () => {
    const answer = await show(await as("/github", { ...PUSH, nbf: undefined }));
    expect(answer).toMatchObject({ status: 401, body: { code: "TokenRefused" } });
    expect(answer.body.detail).toContain('it has no "nbf"');
  });

  test("what it was refused is in the log", async () => {
    await show(await as("/github", PULL_REQUEST), "POST", "/keys", { label: "kept" });
    const [event] = await world.ledger.query<{ body: string }>(
      "select body from ledger.events where type = 'access.refused' order by seq desc limit 1",
    );
    expect(JSON.parse(event?.body ?? "{}")).toMatchObject({
      data: {
        by: "github-rehearse",
        code: "PipelineHeld",
        credential: expect.stringContaining("token github"),
      },
    });
  });
});

describe("a job of GitLab CI", () => {
  test("that is trusted speaks as whoever set it off", async () => {
    expect(await must("GET", "/me", undefined, await as("/gitlab", JOB))).toMatchObject({
      person: "operator",
      credential: { id: "gitlab gitlab-promote group/library job 302 push" },
    });
  });

  test("abuse 25: a job that nobody known set off decides nothing, for it could be whoever asked", async () => {
    expect(await must("GET", "/me", undefined, await as("/gitlab", { ...JOB, user_id: "6" }))).toMatchObject({
      person: "gitlab-promote",
      grants: [{ environment: "*", role: "promoter" }],
    });
  });

  const misfits: [what: string, claims: object, named: string][] = [
    ["of a fork", { project_id: "9", job_project_id: "9" }, 'project_id is "9"'],
    [
      "of a fork's merge request that runs in the project",
      { project_id: "9", pipeline_source: "merge_request_event" },
      'project_id is "9"',
    ],
    [
      "of a merge request of the project's own",
      { pipeline_source: "merge_request_event", ref_path: "refs/heads/mine" },
      'pipeline_source is "merge_request_event"',
    ],
    ["that runs in another project", { job_project_id: "9" }, 'job_project_id is "9"'],
    ["of another branch", { ref_path: "refs/heads/mine" }, 'ref_path is "refs/heads/mine"'],
    ["of a tag of the branch's name", { ref_path: "refs/tags/main" }, 'ref_path is "refs/tags/main"'],
    ["of a branch that anybody may push to", { ref_protected: "false" }, 'ref_protected is "false"'],
    ["set off by a trigger", { pipeline_source: "trigger" }, 'pipeline_source is "trigger"'],
    ["in another environment", { environment: "staging" }, 'environment is "staging"'],
  ];

  test.each(misfits)("abuse 24: a job %s is refused", async (_, claims, named) => {
    const answer = await show(await as("/gitlab", { ...JOB, ...claims }));
    expect(answer).toMatchObject({ status: 403, body: { code: "PipelineUntrusted" } });
    expect(answer.body.detail).toContain(named);
    expect(answer.body.hint).toContain("rehearsal issuer list");
  });
});

describe("an issuer is not registered", () => {
  const base = { kind: "github", url: "https://token.example.com", audiences: ["rehearsal"] };
  const cases: [what: string, settings: object, problem: string][] = [
    ["without TLS", { ...base, kind: "people", url: "http://idp.example.com" }, "it is on https"],
    ["with a query", { ...base, kind: "people", url: "https://idp.example.com?x=1" }, "no user, password"],
    ["for no audience", { ...base, kind: "people", audiences: [] }, "audiences"],
    ["with a shared secret", { ...base, kind: "people", algorithms: ["HS256"] }, "algorithms"],
    ["with no signature", { ...base, kind: "people", algorithms: ["none"] }, "algorithms"],
    ["with clocks far apart", { ...base, kind: "people", toleranceSeconds: 61 }, "toleranceSeconds"],
    ["that trusts no pipeline", { ...base, trusts: [] }, "trusts"],
    [
      "that trusts a repository by its name",
      { ...base, trusts: [{ ...trust, repositoryId: "a/b" }] },
      "not a name",
    ],
    [
      "that trusts whatever workflow",
      { ...base, trusts: [{ ...trust, workflows: ["octo-org/*/.github/workflows/x.yml@refs/heads/main"] }] },
      "write it whole",
    ],
    [
      "that lets pull requests promote",
      { ...base, trusts: [{ ...trust, events: ["pull_request_target"] }] },
      "outsiders can set these off",
    ],
    [
      "that lets whoever edits a public wiki promote",
      { ...base, trusts: [{ ...trust, events: ["gollum"] }] },
      "outsiders can set these off",
    ],
    [
      "that lets merge requests promote",
      {
        ...base,
        kind: "gitlab",
        trusts: [{ person: "x", projectId: 1, refs: ["refs/heads/main"], sources: ["merge_request_event"] }],
      },
      "not merged",
    ],
  ];

  test.each(cases)("%s", async (_, settings, problem) => {
    const answer = await world.call("PUT", "/issuers/refused", settings);
    expect(answer).toMatchObject({ status: 400, body: { code: "InputInvalid" } });
    expect(answer.body.detail).toContain(problem);
  });

  test("that speaks for somebody who is not there", async () => {
    const trusts = [{ ...trust, person: "nobody" }];
    expect(await world.call("PUT", "/issuers/refused", { ...base, trusts })).toMatchObject({
      status: 404,
      body: { code: "NotFound", detail: 'there is no person "nobody"' },
    });
  });

  test("twice", async () => {
    const again = { ...base, kind: "people", url: `${issuer.url}/github` };
    expect(await world.call("PUT", "/issuers/refused", again)).toMatchObject({
      status: 409,
      body: { code: "IssuerExists", hint: expect.stringContaining('under "github"') },
    });
  });

  test("by two at once without the log telling of each what stood before it", async () => {
    const put = (turn: number) =>
      world.call("PUT", "/issuers/turns", { ...base, kind: "people", url: `https://${turn}.example.com` });
    const answers = await Promise.all([0, 1, 2, 3, 4, 5].map(put));
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
    const events = await world.ledger.query<{ body: string }>(
      "select body from ledger.events where type = 'issuer.changed' and body like '%\"issuer\":\"turns\"%' order by seq",
    );
    const told = events.map(({ body }) => JSON.parse(body).data);
    expect(told).toHaveLength(answers.length);
    expect(told.map(({ before }) => before)).toEqual([null, ...told.map(({ after }) => after)].slice(0, -1));
    expect((await world.send("/issuers/turns", { method: "DELETE" })).status).toBe(204);
  });

  test("by somebody who does not administer everything", async () => {
    const headers = { authorization: "Bearer rk_operator" };
    expect(await world.call("PUT", "/issuers/refused", { ...base, kind: "people" }, headers)).toMatchObject({
      status: 403,
      body: { code: "Forbidden" },
    });
  });
});
