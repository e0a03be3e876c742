/** What a function tells of itself, from a process that is one: its lines, its metrics, its segments. */
import { execFile } from "node:child_process";
import { createSocket } from "node:dgram";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { bundle } from "../../infra/bundle.ts";
import { pointsOf } from "../emf.ts";

const HANDLER = fileURLToPath(new URL("../fixtures/telemetry/handler.ts", import.meta.url));

/** Runs the function's invocations one after the other; gives its lines. */
async function run(
  events: object[],
  variables: Record<string, string> = {},
  entry = HANDLER,
): Promise<string[]> {
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [entry, JSON.stringify(events)], {
    env: {
      ...{ PATH: process.env.PATH, AWS_REGION: "us-east-1", AWS_EXECUTION_ENV: "AWS_Lambda_nodejs24.x" },
      ...{ AWS_ACCESS_KEY_ID: "id", AWS_SECRET_ACCESS_KEY: "secret" },
      ...{ AWS_LAMBDA_FUNCTION_NAME: "rehearsal-test-migrate", REHEARSAL_STAGE: "test" },
      ...variables,
    },
  });
  expect(stderr).toBe("");
  return stdout.trimEnd().split("\n");
}

const parsed = (lines: string[]) => lines.map((line) => JSON.parse(line) as Record<string, unknown>);
const logged = (lines: string[]) => parsed(lines).filter((line) => line._aws === undefined);

test("every line is JSON that carries the function, the request and what it is about; what goes on at once is kept apart", async () => {
  const lines = logged(
    await run([{ promotion: "p1", beside: ["one", "two", "three"] }, { promotion: "p2" }]),
  );
  expect(lines).toHaveLength(5);
  for (const line of lines)
    expect(line).toMatchObject({
      ...{ level: "INFO", service: "rehearsal", stage: "test", function: "rehearsal-test-migrate" },
      ...{ step: "migrate", attempt: 2, timestamp: expect.stringMatching(/^\d{4}-.*Z$/) },
    });
  expect(
    lines.map(({ message, environment, promotion, requestId, coldStart }) => [
      ...[message, environment, promotion, requestId, coldStart],
    ]),
  ).toEqual([
    ["begun", undefined, "p1", "request-1", true],
    ["beside", "three", "p1", "request-1", true],
    ["beside", "two", "p1", "request-1", true],
    ["beside", "one", "p1", "request-1", true],
    ["begun", undefined, "p2", "request-2", false],
  ]);
});

test("a failure that nobody foresaw is an error with its stack; no secret and no control character comes with it", async () => {
  const url = "postgresql://owner:hunter2@db.example/app";
  const lines = await run([{ promotion: "p1", facts: { url, told: "a\u202eb\nc" }, fails: `no ${url}` }]);
  expect(lines.join("\n")).not.toContain("hunter2");
  expect(lines.join("\n")).not.toContain("\u202e");
  const [begun, failed] = logged(lines);
  expect(begun).toMatchObject({ told: "a\u202eb\nc" });
  expect(failed).toMatchObject({
    ...{ level: "ERROR", message: "failed", promotion: "p1", step: "migrate", attempt: 2 },
    error: {
      name: "Error",
      message: "no postgresql://owner:…@db.example/app",
      stack: expect.stringContaining("handler.ts"),
    },
  });
});

test("a metric is a document that CloudWatch takes: by nothing, for alarms, and by its dimension; and it can be turned off", async () => {
  const [point, ...more] = (await run([{ promotion: "p1" }])).flatMap(pointsOf);
  expect(more).toEqual([]);
  expect(point).toMatchObject({
    ...{ namespace: "Rehearsal/test", name: "StepSeconds", unit: "Seconds", value: 1.5 },
    dimensions: [{}, { step: "migrate" }],
    beside: { promotion: "p1", attempt: "2", requestId: "request-1" },
  });
  const off = await run([{ promotion: "p1" }], { POWERTOOLS_METRICS_DISABLED: "true" });
  expect(off.flatMap(pointsOf)).toEqual([]);
});

test("a terminal gets lines for people, and only of the level that it wants", async () => {
  const variables = {
    REHEARSAL_LOG: "text",
    POWERTOOLS_LOG_LEVEL: "ERROR",
    POWERTOOLS_METRICS_DISABLED: "true",
  };
  const lines = await run([{ promotion: "p1", fails: "a pity" }], variables);
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatch(/^\d{4}-\S+Z ERROR rehearsal-test-migrate failed \{.*"promotion":"p1".*a pity/);
});

test("where there are traces, a bundle's segment has its annotations and the calls to AWS inside it; elsewhere nothing is sent", async () => {
  // What is deployed is a bundle, in which a tracer has to find itself whole.
  const folder = await mkdtemp(join(tmpdir(), "rehearsal-telemetry-"));
  await bundle({ name: "telemetry", entry: HANDLER, folder });
  const entry = join(folder, "main.mjs");
  const heard: Record<string, unknown>[] = [];
  const daemon = createSocket("udp4");
  daemon.on("message", (message) => heard.push(JSON.parse(message.toString().split("\n")[1] ?? "{}")));
  await new Promise<void>((resolve) => daemon.bind(0, "127.0.0.1", resolve));
  const aws = createServer((_, response) => response.end("{}")).listen(0, "127.0.0.1");
  await new Promise((resolve) => aws.once("listening", resolve));
  const calls = `http://127.0.0.1:${(aws.address() as AddressInfo).port}`;
  const variables = {
    AWS_XRAY_DAEMON_ADDRESS: `127.0.0.1:${daemon.address().port}`,
    _X_AMZN_TRACE_ID: "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1",
    LAMBDA_TASK_ROOT: "/var/task",
  };
  const events = [{ promotion: "p1", calls }];
  await run(events, variables, entry);
  const lines = await run(events, { ...variables, POWERTOOLS_TRACE_ENABLED: "true" }, entry);
  expect(logged(lines)).toMatchObject([{ message: "begun", traceId: "1-5759e988-bd862e3fe1be46a994272793" }]);
  expect(lines.flatMap(pointsOf)).toHaveLength(1);
  // Both segments come by the time their process has ended; the first run would have sent its own before.
  await expect.poll(() => heard.length).toBe(2);
  const [call, segment] = heard;
  expect(segment).toMatchObject({
    ...{ name: "migrate", parent_id: "53995c3f42cd8ad8", trace_id: "1-5759e988-bd862e3fe1be46a994272793" },
    annotations: { promotion: "p1", step: "migrate", attempt: 2 },
  });
  expect(call).toMatchObject({
    ...{ name: "SecretsManager", namespace: "aws", parent_id: segment?.id },
    aws: { operation: "GetSecretValue" },
  });
  daemon.close();
  await new Promise((resolve) => aws.close(resolve));
  await rm(folder, { recursive: true });
});
