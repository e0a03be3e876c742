/** Decisions over the API: answered once, for the evidence that stands, and never after the time for them. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { appendEvent } from "../../io/ledger/events.ts";
import { openStepFunctions } from "../../io/step-functions.ts";
import { ask, EVIDENCE, play, type Started, start } from "./course.ts";
import { OTHER_KEY, openWorld, registerFresh, uploadRelease, type World } from "./world.ts";

let world: World;
let release: string;

beforeAll(async () => {
  world = await openWorld();
  release = await uploadRelease(world);
});

afterAll(async () => {
  await world.close();
});

let made = 0;

/** A promotion that waits for an approval. */
async function waiting(seconds?: number): Promise<string> {
  const environment = `waiting-${++made}`;
  await registerFresh(world, environment, { policy: { decision: "approval" } });
  const { id } = await start(world, environment, release);
  await ask(world, id, seconds);
  return id;
}

const decide = (id: string, verdict: "approve" | "reject", body: object = {}, key?: string) =>
  world.call("POST", `/promotions/${id}/${verdict}`, body, key ? { authorization: `Bearer ${key}` } : {});

const show = async (id: string) =>
  (await world.call<Started & { approval: { status: string } }>("GET", `/promotions/${id}`)).body;

const typesOf = async (id: string) => {
  const { body } = await world.call<{ entries: { body: string }[] }>("GET", `/promotions/${id}/log`);
  return body.entries.map((entry) => (JSON.parse(entry.body) as { type: string }).type);
};

describe("approving", () => {
  test("goes to the ledger, then to the machine, with the evidence and the person", async () => {
    const id = await waiting();
    const { status, body } = await decide(id, "approve", { evidence: EVIDENCE, comment: "fine" });
    expect([status, body.status]).toEqual([200, "running"]);
    expect(await show(id)).toMatchObject({
      approval: { status: "approved", evidence: EVIDENCE, decidedBy: "tester", comment: "fine" },
    });
    const execution = await world.execution(id);
    expect(execution.status).toBe("SUCCEEDED");
    expect(JSON.parse(execution.output ?? "")).toEqual({
      decision: "approved",
      by: "tester",
      evidence: EVIDENCE,
    });
    expect(await typesOf(id)).toEqual(["promotion.created", "promotion.approved"]);
  });

  test("of other evidence than stands is refused, and it waits on", async () => {
    const id = await waiting();
    const { status, body } = await decide(id, "approve", { evidence: "f".repeat(64) });
    expect([status, body.code]).toEqual([409, "EvidenceChanged"]);
    expect(body.hint).toContain("read the report again");
    expect(await show(id)).toMatchObject({ status: "waiting", approval: { status: "waiting" } });
  });

  test("fault 12: a second approval gets 409, by the same person or another, and what was approved stands", async () => {
    const id = await waiting();
    const answers = await Promise.all([decide(id, "approve"), decide(id, "approve", {}, OTHER_KEY)]);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409]);
    for (const key of [undefined, OTHER_KEY]) {
      const { status, body } = await decide(id, "approve", {}, key);
      expect([status, body.code]).toEqual([409, "ApprovalNotWanted"]);
      expect(body.detail).toContain("approved already");
      expect(body.hint).toContain(`rehearsal status ${id}`);
    }
    expect((await decide(id, "reject")).body.code).toBe("ApprovalNotWanted");
    expect(await show(id)).toMatchObject({ status: "running", approval: { status: "approved" } });
    expect((await world.execution(id)).status).toBe("SUCCEEDED");
  });

  test("fault 13: after its time it gets 409 and changes nothing", async () => {
    const id = await waiting(0);
    const { status, body } = await decide(id, "approve");
    expect([status, body.code]).toEqual([409, "ApprovalNotWanted"]);
    expect(body.detail).toContain("the time for it has run out");
    expect(await show(id)).toMatchObject({ status: "waiting", approval: { status: "waiting" } });
    expect((await world.execution(id)).status).toBe("RUNNING");
  });

  test("fault 13: when the machine stopped waiting first, the ledger says that it came too late", async () => {
    const id = await waiting();
    await openStepFunctions().stopExecution(
      `${world.promotionMachine.replace(":stateMachine:", ":execution:")}:${id}`,
      "States.Timeout",
      "nobody decided",
    );
    const { status, body } = await decide(id, "approve");
    expect([status, body.code]).toEqual([409, "TaskTokenUsed"]);
    expect(body.hint).toContain("timed out");
    expect(await show(id)).toMatchObject({ status: "waiting", approval: { status: "expired" } });
    expect(await typesOf(id)).toEqual([
      "promotion.created",
      "promotion.approved",
      "promotion.approval-expired",
    ]);
  });

  test("fault 12: an answer that arrived though its reply was lost counts", async () => {
    const id = await waiting();
    // The machine has taken it and gone on, as the next step shows; then the API's own try comes.
    await openStepFunctions().sendTaskSuccess(await world.token(id), { decision: "approved" });
    await play(world, id, "migrate", "running");
    const { status } = await decide(id, "approve");
    expect(status).toBe(200);
    expect(await show(id)).toMatchObject({ approval: { status: "approved" } });
  });

  test("a request that died between the ledger and the machine is healed by repeating it", async () => {
    const id = await waiting();
    world.line.inject({ kind: "cut", from: "client", after: 0 });
    const failed = await decide(id, "approve");
    world.line.heal();
    expect([failed.status, failed.body.code]).toEqual([503, "AwsCallFailed"]);
    expect((await world.execution(id)).status).toBe("RUNNING");
    expect((await decide(id, "approve")).status).toBe(200);
    expect((await world.execution(id)).status).toBe("SUCCEEDED");
  });

  test("of what does not wait, or is not there, is refused", async () => {
    await registerFresh(world, "not-waiting");
    const { id } = await start(world, "not-waiting", release);
    const { status, body } = await decide(id, "approve");
    expect([status, body.code]).toEqual([409, "ApprovalNotWanted"]);
    expect((await decide("p000000aaaaaaaa", "approve")).status).toBe(404);
  });
});

test("rejecting fails the machine's task with the person and the comment", async () => {
  const id = await waiting();
  const { status } = await decide(id, "reject", { comment: "too large" });
  expect(status).toBe(200);
  const execution = await world.execution(id);
  expect(execution).toMatchObject({
    status: "FAILED",
    error: "ApprovalRejected",
    cause: "tester rejected it: too large",
  });
  expect(await show(id)).toMatchObject({ approval: { status: "rejected", comment: "too large" } });
  expect(await typesOf(id)).toEqual(["promotion.created", "promotion.rejected"]);
  expect((await decide(id, "approve")).body.code).toBe("ApprovalNotWanted");
});

test("an event beside a decision does not break the chain", async () => {
  const id = await waiting();
  await Promise.all([
    decide(id, "approve"),
    world.ledger.transaction(() => appendEvent(world.ledger, { type: "test.event" })),
  ]);
  const { body } = await world.call<{ events: number; broken?: object }>("GET", "/log/verify");
  expect(body.broken).toBeUndefined();
});
