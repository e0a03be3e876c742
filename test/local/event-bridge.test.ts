import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EventBridgeClient, PutEventsCommand } from "@aws-sdk/client-eventbridge";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type BusEvent, type Rule, startEventBridge } from "../../local/event-bridge.ts";
import { type EventPattern, matchesPattern } from "../../local/event-pattern.ts";

let folder = "";
const open: { stop(): Promise<void> }[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "event-bridge-"));
});
afterEach(async () => {
  for (const one of open.splice(0)) await one.stop();
  await rm(folder, { recursive: true, force: true });
});

async function bus(rules: Rule[]) {
  const one = await startEventBridge({ folder, rules, firstRetry: 1 });
  open.push(one);
  const client = new EventBridgeClient({
    endpoint: one.url,
    region: "us-east-1",
    credentials: { accessKeyId: "test", secretAccessKey: "test" },
  });
  return { ...one, put: (...Entries: object[]) => client.send(new PutEventsCommand({ Entries })) };
}

const ended = { Source: "rehearsal", DetailType: "Promotion ended", Detail: '{"status":"done","n":3}' };

/** A rule that takes everything of ours, and what it took. */
function taking(name = "all", pattern: EventPattern = { source: ["rehearsal"] }) {
  const taken: BusEvent[] = [];
  const rule: Rule = {
    name,
    pattern,
    target: async (event) => {
      taken.push(event);
    },
  };
  return { taken, rule };
}

test.each<[string, EventPattern, boolean]>([
  ["an exact value", { source: ["x", "rehearsal"] }, true],
  ["another value", { source: ["x"] }, false],
  ["a nested field", { detail: { status: ["done"] } }, true],
  ["two fields, one wrong", { source: ["rehearsal"], detail: { status: ["failed"] } }, false],
  ["a prefix", { "detail-type": [{ prefix: "Promotion" }] }, true],
  ["a suffix", { "detail-type": [{ suffix: "started" }] }, false],
  ["anything but", { detail: { status: [{ "anything-but": ["failed", "held"] }] } }, true],
  ["anything but it", { detail: { status: [{ "anything-but": "done" }] } }, false],
  ["anything but a prefix", { source: [{ "anything-but": { prefix: "aws." } }] }, true],
  ["existence", { detail: { status: [{ exists: true }], gone: [{ exists: false }] } }, true],
  ["the existence of nothing", { detail: { gone: [{ exists: true }] } }, false],
  ["a number's range", { detail: { n: [{ numeric: [">", 0, "<=", 3] }] } }, true],
  ["a number out of range", { detail: { n: [{ numeric: ["<", 3] }] } }, false],
  ["a number as text", { detail: { n: ["3"] } }, false],
  ["one item of an array", { resources: ["arn:b"] }, true],
  ["null", { detail: { nothing: [null] } }, true],
  ["a name of Object.prototype", { detail: { toString: [{ exists: true }] } }, false],
])("a pattern on %s", (_, pattern, expected) => {
  const event = {
    source: "rehearsal",
    "detail-type": "Promotion ended",
    resources: ["arn:a", "arn:b"],
    detail: { status: "done", n: 3, nothing: null },
  };
  expect(matchesPattern(pattern, event)).toBe(expected);
});

test("PutEvents delivers to every rule that matches, in EventBridge's envelope", async () => {
  const all = taking();
  const none = taking("none", { source: ["other"] });
  const one = await bus([all.rule, none.rule]);
  const answer = await one.put({ ...ended, Resources: ["arn:p"] });
  await one.settled();
  expect(answer.FailedEntryCount).toBe(0);
  expect(all.taken).toEqual([
    {
      version: "0",
      id: answer.Entries?.[0]?.EventId,
      source: "rehearsal",
      "detail-type": "Promotion ended",
      account: "000000000000",
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
      region: "us-east-1",
      resources: ["arn:p"],
      detail: { status: "done", n: 3 },
    },
  ]);
  expect(none.taken).toEqual([]);
});

test("an entry that is wrong is refused by itself, the others are taken", async () => {
  const all = taking();
  const one = await bus([all.rule]);
  const answer = await one.put(
    { ...ended, Detail: "[1]" },
    ended,
    { Source: "rehearsal", Detail: "{}" },
    {
      ...ended,
      Source: "aws.states",
    },
  );
  await one.settled();
  expect(answer.FailedEntryCount).toBe(3);
  expect(answer.Entries?.map(({ ErrorCode }) => ErrorCode)).toEqual([
    "MalformedDetail",
    undefined,
    "InvalidArgument",
    "NotAuthorizedForSourceException",
  ]);
  expect(all.taken).toHaveLength(1);
});

test("a target that fails is tried until it takes the event; another rule's target is not disturbed", async () => {
  let tries = 0;
  const flaky: Rule = {
    name: "flaky",
    pattern: { source: ["rehearsal"] },
    target: async () => {
      tries += 1;
      if (tries < 4) throw new Error("not now");
    },
  };
  const all = taking();
  const one = await bus([flaky, all.rule]);
  await one.put(ended);
  await one.settled();
  expect(tries).toBe(4);
  expect(all.taken).toHaveLength(1);
});

test("an accepted event that was not delivered is delivered by the next run, and only to the rule that missed it", async () => {
  const asked = Promise.withResolvers<void>();
  const stuck: Rule = {
    name: "stuck",
    pattern: { source: ["rehearsal"] },
    target: () => {
      asked.resolve();
      return new Promise(() => undefined);
    },
  };
  const first = taking("all");
  const before = await bus([stuck, first.rule]);
  await before.put(ended);
  await asked.promise;
  await before.stop();

  const again = taking("stuck");
  const second = taking("all");
  const after = await bus([again.rule, second.rule]);
  await after.settled();
  expect(again.taken).toHaveLength(1);
  expect(first.taken.length + second.taken.length).toBe(1);
  await after.stop();

  const third = taking("stuck");
  const last = await bus([third.rule]);
  await last.settled();
  expect(third.taken).toEqual([]);
  expect(await readFile(join(folder, "events.jsonl"), "utf8")).toBe("");
});

test("a local service's own events go through the same rules", async () => {
  const all = taking("states", { source: ["aws.states"], detail: { status: ["FAILED"] } });
  const one = await bus([all.rule]);
  const event: BusEvent = {
    version: "0",
    id: "1",
    source: "aws.states",
    "detail-type": "Step Functions Execution Status Change",
    account: "000000000000",
    time: "2030-01-01T00:00:00Z",
    region: "us-east-1",
    resources: [],
    detail: { status: "FAILED" },
  };
  await one.deliver(event);
  await one.deliver({ ...event, id: "2", detail: { status: "RUNNING" } });
  await one.settled();
  expect(all.taken.map(({ id }) => id)).toEqual(["1"]);
});
