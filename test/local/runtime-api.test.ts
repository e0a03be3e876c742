/** The Runtime API as a runtime sees it, request by request: paths, headers, statuses and refusals as AWS documents them. */
import { afterEach, beforeEach, expect, test } from "vitest";
import type { FunctionError } from "../../local/lambda/failure.ts";
import type { Outcome } from "../../local/lambda/handler.ts";
import { type RuntimeApi, startRuntimeApi } from "../../local/lambda/runtime-api.ts";

let api: RuntimeApi;
let told: (Outcome | "ready" | { ended: FunctionError })[];

const invocation = {
  requestId: "8476a536-e9f4-11e8-9739-2dfe598c3fcd",
  functionArn: "arn:aws:lambda:us-east-2:123456789012:function:custom-runtime",
  traceId: "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=1",
  deadline: 1542409706888,
  event: '{"é":1}',
};

beforeEach(async () => {
  told = [];
  api = await startRuntimeApi({
    ready: () => told.push("ready"),
    answered: (outcome) => told.push(outcome),
    ended: (why) => told.push({ ended: why("r") }),
  });
});

afterEach(() => api.stop());

const next = () => fetch(`http://${api.address}/2018-06-01/runtime/invocation/next`);

async function post(path: string, body: string, headers: Record<string, string> = {}) {
  const url = `http://${api.address}/2018-06-01/runtime${path}`;
  const response = await fetch(url, { method: "POST", body, headers });
  expect(response.headers.get("content-type")).toBe("application/json");
  return [response.status, await response.json()];
}

const answer = (what: "response" | "error", body: string, headers?: Record<string, string>) =>
  post(`/invocation/${invocation.requestId}/${what}`, body, headers);

test("gives an event with the documented headers, to a runtime that waited for it", async () => {
  const waiting = next();
  await expect.poll(() => told).toEqual(["ready"]);
  api.give(invocation);
  const response = await waiting;
  expect([response.status, await response.text()]).toEqual([200, '{"é":1}']);
  expect(Object.fromEntries(response.headers)).toMatchObject({
    "content-type": "application/json",
    "lambda-runtime-aws-request-id": "8476a536-e9f4-11e8-9739-2dfe598c3fcd",
    "lambda-runtime-deadline-ms": "1542409706888",
    "lambda-runtime-invoked-function-arn": "arn:aws:lambda:us-east-2:123456789012:function:custom-runtime",
    "lambda-runtime-trace-id": "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=1",
  });
  expect(await answer("response", "SUCCESS")).toEqual([202, { status: "OK" }]);
  expect(told).toEqual(["ready", { payload: "SUCCESS" }]);
});

/** As the runtime that has asked and been given the event. */
async function running() {
  const waiting = next();
  await expect.poll(() => told.includes("ready")).toBe(true);
  api.give(invocation);
  await waiting;
  told = [];
}

test("takes an error by its body, and by its header where the body tells nothing", async () => {
  await running();
  const body = { errorMessage: "Error parsing event data.", errorType: "InvalidEventDataException" };
  expect(await answer("error", JSON.stringify({ ...body, stackTrace: ["at …"] }))).toEqual([
    202,
    { status: "OK" },
  ]);
  expect(told).toEqual([{ error: { ...body, trace: ["at …"] } }]);
  await running();
  await answer("error", "out of ideas", { "Lambda-Runtime-Function-Error-Type": "Runtime.NoIdeas" });
  await running();
  expect(told).toEqual([]);
  await answer("error", "[]");
  expect(told).toEqual([
    {
      error: {
        errorType: "Lambda.Unknown",
        errorMessage:
          "The cause could not be determined because Lambda did not return an error type. Returned payload: []",
      },
    },
  ]);
});

test("refuses a response over 6 MB with 413, and the caller is told why there is none", async () => {
  await running();
  expect(await answer("response", "x".repeat(6_291_557))).toEqual([
    413,
    {
      errorType: "RequestEntityTooLarge",
      errorMessage: "Exceeded maximum allowed payload size (6291556 bytes).",
    },
  ]);
  expect(told).toEqual([
    {
      error: {
        errorType: "Function.ResponseSizeTooLarge",
        errorMessage: "Response payload size exceeded maximum allowed payload size (6291556 bytes).",
      },
    },
  ]);
  await running();
  expect(await answer("response", "x".repeat(6_291_556))).toEqual([202, { status: "OK" }]);
});

test("refuses an answer to another request with 400, and one out of turn with 403", async () => {
  const invalid = [400, { errorType: "InvalidRequestID", errorMessage: "Invalid request ID" }];
  const outOfTurn = [403, expect.objectContaining({ errorType: "InvalidStateTransition" })];
  expect(await answer("response", "{}")).toEqual(invalid);
  await running();
  expect(await post("/invocation/another/response", "{}")).toEqual(invalid);
  expect(await post("/init/error", "{}")).toEqual(outOfTurn);
  expect((await next()).status).toBe(403);
  expect(await answer("response", "{}")).toEqual([202, { status: "OK" }]);
  expect(await answer("response", "{}")).toEqual(outOfTurn);
  expect(await answer("error", "{}")).toEqual(outOfTurn);
  expect(told).toEqual([{ payload: "{}" }]);
});

test("takes an error of the initialization, after which there is no event", async () => {
  const body = {
    errorMessage: "Failed to load function.",
    errorType: "InvalidFunctionException",
    stackTrace: [],
  };
  const headers = { "Lambda-Runtime-Function-Error-Type": "Runtime.UnknownReason" };
  expect(await post("/init/error", JSON.stringify(body), headers)).toEqual([202, { status: "OK" }]);
  const { stackTrace: trace, ...error } = body;
  expect(told).toEqual([{ ended: { ...error, trace } }]);
  expect((await next()).status).toBe(403);
});
