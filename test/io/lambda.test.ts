/** One function asks another, by AWS's own client over HTTP: what it answers, and each way in which it may not. */
import { InvokeCommand, LambdaClient } from "@aws-sdk/client-lambda";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openFunctions } from "../../io/lambda.ts";
import { invoked } from "../../io/telemetry/invocation.ts";
import { startInvokeEndpoint } from "../../local/lambda/invoke.ts";
import { type LambdaRunner, startLambdaRunner } from "../../local/lambda/runner.ts";

Object.assign(process.env, {
  AWS_REGION: "us-east-1",
  AWS_ACCESS_KEY_ID: "test",
  AWS_SECRET_ACCESS_KEY: "test",
});

const module = new URL("../fixtures/handlers/behaviour.ts", import.meta.url);
const settings = { module, timeoutSeconds: 10, memoryMb: 256 };
let lambda: LambdaRunner;
let endpoint: Awaited<ReturnType<typeof startInvokeEndpoint>>;

beforeAll(async () => {
  lambda = startLambdaRunner({
    functions: { look: settings, hasty: { ...settings, timeoutSeconds: 1 } },
    environment: {},
    onLog: () => undefined,
  });
  endpoint = await startInvokeEndpoint(lambda.invoke);
});

afterAll(async () => {
  await endpoint.stop();
  await lambda.stop();
});

const ask = (request: object, name = "look") => openFunctions({ endpoint: endpoint.url }).ask(name, request);

test("it answers what the function does, under its name and its ARN", async () => {
  const request = { does: "echo", text: 'ü "quoted" \n' };
  expect(await ask(request)).toEqual(request);
  expect(await ask(request, "arn:aws:lambda:us-east-1:000000000000:function:look")).toEqual(request);
  expect(await ask({ does: "nothing" })).toBeNull();
});

test("a function that has no more time is FunctionSlow, whoever notices first", async () => {
  const refusal = { code: "FunctionSlow", status: 503, hint: expect.stringContaining("try again") };
  await expect(ask({ does: "sleep", milliseconds: 9_000 }, "hasty")).rejects.toMatchObject({
    ...refusal,
    message: 'the function "hasty" did not answer within 1 s',
  });
  const hasty = openFunctions({ endpoint: endpoint.url, patience: 300 });
  await expect(hasty.ask("look", { does: "sleep", milliseconds: 2_000 })).rejects.toMatchObject({
    ...refusal,
    message: 'the function "look" did not answer within 0.3 s',
  });
  // Whoever asks has used most of its own time: the rest of it is what there is to wait.
  const late = invoked(() => ask({ does: "sleep", milliseconds: 2_000 }));
  await expect(late({}, { getRemainingTimeInMillis: () => 2_400 })).rejects.toMatchObject({
    ...refusal,
    message: 'the function "look" did not answer within 0.4 s',
  });
});

test("one that ends before its answer is FunctionDied, and one whose handler throws is a failure with its words", async () => {
  await expect(ask({ does: "exit", status: 3 })).rejects.toMatchObject({
    code: "FunctionDied",
    hint: expect.stringContaining("the function's log"),
  });
  await expect(ask({ does: "throw" })).rejects.toThrow(
    'the function "look" threw TableLocked: could not lock "orders"',
  );
});

test("what is too large is AnswerTooLarge, on its way there and back", async () => {
  const refusal = { code: "AnswerTooLarge", status: 413, hint: expect.stringContaining("ask for less") };
  await expect(ask({ does: "large", bytes: 7_000_000 })).rejects.toMatchObject(refusal);
  await expect(ask({ does: "echo", text: "x".repeat(7_000_000) })).rejects.toMatchObject(refusal);
});

test("a function that is not there, and one that is busy all over, are told as AWS tells it", async () => {
  await expect(ask({ does: "echo" }, "nobody")).rejects.toMatchObject({
    code: "AwsCallFailed",
    message: expect.stringContaining("ResourceNotFoundException"),
  });
  const full = await startInvokeEndpoint(async () => ({
    error: { errorType: "Lambda.TooManyRequestsException", errorMessage: "Rate Exceeded." },
  }));
  await expect(openFunctions({ endpoint: full.url }).ask("look", {})).rejects.toMatchObject({
    code: "TooManyRequests",
    status: 429,
    hint: expect.stringContaining("Retry-After"),
  });
  await full.stop();
});

test("the endpoint refuses what it does not do, and says by a header that a function failed", async () => {
  const client = new LambdaClient({ endpoint: endpoint.url });
  const failed = await client.send(
    new InvokeCommand({ FunctionName: "look", Payload: Buffer.from('{"does":"throw"}') }),
  );
  expect(failed).toMatchObject({ StatusCode: 200, FunctionError: "Unhandled" });
  expect(JSON.parse(Buffer.from(failed.Payload ?? []).toString())).toMatchObject({
    errorType: "TableLocked",
    stackTrace: expect.arrayContaining([expect.stringContaining("TableLocked")]),
  });
  await expect(
    client.send(new InvokeCommand({ FunctionName: "look", InvocationType: "Event" })),
  ).rejects.toMatchObject({ name: "UnknownOperationException" });
  const noJson = new InvokeCommand({ FunctionName: "look", Payload: Buffer.from("{") });
  await expect(client.send(noJson)).rejects.toMatchObject({ name: "InvalidRequestContentException" });
  const there = `${endpoint.url}/2015-03-31/functions/look/invocations`;
  const elsewhere = await fetch(`${there}?Qualifier=%24LATEST`, { method: "POST", body: '{"does":"count"}' });
  expect(await elsewhere.json()).toBeGreaterThan(0);
  expect((await fetch(there)).status).toBe(501);
});
