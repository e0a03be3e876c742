import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openEventBus } from "../../io/event-bus.ts";
import { type BusEvent, startEventBridge } from "../../local/event-bridge.ts";

Object.assign(process.env, {
  AWS_REGION: "us-east-1",
  AWS_ACCESS_KEY_ID: "test",
  AWS_SECRET_ACCESS_KEY: "test",
});

let folder = "";
let bridge: Awaited<ReturnType<typeof startEventBridge>>;
const taken: BusEvent[] = [];
beforeEach(async () => {
  taken.length = 0;
  folder = await mkdtemp(join(tmpdir(), "event-bus-"));
  const target = async (event: BusEvent) => {
    taken.push(event);
  };
  bridge = await startEventBridge({
    folder,
    rules: [{ name: "all", pattern: { source: ["rehearsal"] }, target }],
  });
});
afterEach(async () => {
  await bridge.stop();
  await rm(folder, { recursive: true, force: true });
});

test("any number of events is put, ten at a time", async () => {
  const events = Array.from({ length: 23 }, (_, n) => ({
    source: "rehearsal",
    detailType: "Step",
    detail: { n },
  }));
  await openEventBus({ endpoint: bridge.url }).putEvents("default", events);
  await bridge.settled();
  expect(taken.map(({ detail }) => (detail as { n: number }).n).sort((a, b) => a - b)).toEqual([
    ...events.keys(),
  ]);
});

test("an event the bus refuses is an error, although the answer was 200", async () => {
  const put = openEventBus({ endpoint: bridge.url }).putEvents("default", [
    { source: "rehearsal", detailType: "Step", detail: {} },
    { source: "aws.states", detailType: "Step", detail: {} },
  ]);
  await expect(put).rejects.toMatchObject({
    code: "EventsRefused",
    retryable: true,
    facts: { refused: 1, sent: 2 },
    hint: expect.stringContaining("check that the bus exists"),
  });
});
