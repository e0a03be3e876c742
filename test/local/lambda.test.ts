/**
 * The Lambda runner: limits, failures and reuse as AWS documents them, with real threads, real processes, and AWS's own runtime client.
 * Long because every case is put to all of them.
 */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath, pathToFileURL } from "node:url";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { functionArn, functionName, functionVersion } from "../../local/lambda/arn.ts";
import type { FunctionSettings } from "../../local/lambda/execution-environment.ts";
import { type LambdaOptions, type LambdaRunner, startLambdaRunner } from "../../local/lambda/runner.ts";
import { builtHandlers, RIC_PRELOAD, ric } from "./ric.ts";

const fixture = (file: string) => new URL(`../fixtures/${file}`, import.meta.url);

let lambda: LambdaRunner;
let built: Awaited<ReturnType<typeof builtHandlers>>;
/** What every runner of the cases that follow is started with. */
let kind: { options: Partial<LambdaOptions>; module: (name: string) => URL };

const OUR_MODULES = (name: string) => fixture(`handlers/${name}.ts`);

beforeAll(async () => {
  built = await builtHandlers("behaviour", "broken-import", "no-handler", "syntax");
});

afterAll(() => built.remove());

function start(
  options: Partial<LambdaOptions> & { timeoutSeconds?: number; memoryMb?: number; module?: string } = {},
) {
  const { timeoutSeconds = 20, memoryMb = 256, module = "behaviour", ...rest } = options;
  lambda = startLambdaRunner({
    functions: { step: { module: kind.module(module), timeoutSeconds, memoryMb } },
    environment: {},
    onLog: () => undefined,
    ...kind.options,
    ...rest,
  });
  return lambda;
}

const invoke = (does: string, more: object = {}) => lambda.invoke("step", { does, ...more });

async function failure(invoked: ReturnType<LambdaRunner["invoke"]>) {
  const result = await invoked;
  if (!("error" in result)) throw new Error(`it answered ${JSON.stringify(result.payload)}`);
  return result.error;
}

afterEach(() => lambda.stop());

/** AWS's own client where it is found; the others always. */
const KINDS: [string, () => typeof kind][] = [
  ["threads", () => ({ options: {}, module: OUR_MODULES })],
  ["processes under the Runtime API", () => ({ options: { processes: true }, module: OUR_MODULES })],
  ...(ric === undefined
    ? []
    : [["processes of aws-lambda-ric", ricKind(ric)] satisfies [string, () => typeof kind]]),
];

function ricKind(runtime: string): () => typeof kind {
  return () => ({
    options: { processes: runtime, preload: RIC_PRELOAD },
    module: (name) => pathToFileURL(join(built.folder, `${name}.mjs`)),
  });
}

describe.each(KINDS)("%s", (_, prepare) => {
  beforeAll(() => {
    kind = prepare();
  });

  describe("an invocation", () => {
    test("passes its event and its result as JSON", async () => {
      start();
      const event = { text: "é", at: new Date(0), gone: undefined, list: [1, null] };
      expect(await invoke("echo", event)).toEqual({
        payload: { does: "echo", text: "é", at: "1970-01-01T00:00:00.000Z", list: [1, null] },
      });
      expect(await invoke("nothing")).toEqual({ payload: null });
    });

    test("carries the context AWS documents", async () => {
      start({ timeoutSeconds: 9 });
      const result = await invoke("context");
      expect(result).toEqual({
        payload: {
          awsRequestId: expect.stringMatching(/^[0-9a-f-]{36}$/),
          functionName: "step",
          functionVersion: "$LATEST",
          invokedFunctionArn: "arn:aws:lambda:us-east-1:000000000000:function:step",
          memoryLimitInMB: "256",
          logGroupName: "/aws/lambda/step",
          logStreamName: expect.stringMatching(/^\d{4}\/\d\d\/\d\d\/\[\$LATEST\][0-9a-f]{32}$/),
          xRayTraceId: expect.stringMatching(
            /^Root=1-[0-9a-f]{8}-[0-9a-f]{24};Parent=[0-9a-f]{16};Sampled=0$/,
          ),
          remaining: expect.toSatisfy((left: number) => left > 0 && left <= 9_000),
        },
      });
    });

    test("is found by name, ARN, and ARN with a version", async () => {
      start();
      const arn = functionArn("step", "eu-central-1");
      for (const name of [arn, `${arn}:$LATEST`, "000000000000:function:step", "step:$LATEST"])
        expect([name, functionName(name), await lambda.invoke(name, { does: "count" })]).toMatchObject([
          name,
          "step",
          { payload: expect.any(Number) },
        ]);
      expect(await failure(lambda.invoke("constructor", {}))).toEqual({
        errorType: "Lambda.ResourceNotFoundException",
        errorMessage: "Function not found: arn:aws:lambda:us-east-1:000000000000:function:constructor",
      });
    });

    test("over 6 MB is refused, in either direction", async () => {
      start();
      expect(await failure(invoke("echo", { fill: "x".repeat(6_291_456) }))).toMatchObject({
        errorType: "Lambda.RequestTooLargeException",
        errorMessage: expect.stringMatching(
          /^62914\d\d byte payload is too large for the RequestResponse invocation type \(limit 6291456 bytes\)$/,
        ),
      });
      expect(await invoke("large", { bytes: 6_291_554 })).toHaveProperty("payload");
      expect(await failure(invoke("large", { bytes: 6_291_555 }))).toEqual({
        errorType: "Function.ResponseSizeTooLarge",
        errorMessage: "Response payload size exceeded maximum allowed payload size (6291556 bytes).",
      });
    });
  });

  describe("a failing function", () => {
    test("reports the error's name, message and stack, and keeps its sandbox", async () => {
      start();
      const error = await failure(invoke("throw"));
      expect(error).toMatchObject({ errorType: "TableLocked", errorMessage: 'could not lock "orders"' });
      expect(error.trace?.[0]).toBe('TableLocked: could not lock "orders"');
      expect(error.trace?.[1]).toMatch(/behaviour\.(ts|mjs)/);
      expect(await failure(invoke("throwText"))).toEqual({
        errorType: "string",
        errorMessage: "only text",
        trace: [],
      });
      expect(await failure(invoke("circular"))).toMatchObject({ errorType: "Runtime.JSONStringifyError" });
      expect(await invoke("count")).toEqual({ payload: 4 });
    });

    test("fault 2: is ended at its time-out, waiting or spinning, and the next invocation gets a new sandbox", async () => {
      start({ timeoutSeconds: 0.5 });
      for (const request of [invoke("sleep", { milliseconds: 60_000 }), invoke("spin")])
        expect(await failure(request)).toEqual({
          errorType: "Sandbox.Timedout",
          errorMessage: expect.stringMatching(
            /^RequestId: [0-9a-f-]{36} Error: Task timed out after 0\.50 seconds$/,
          ),
        });
      expect(await invoke("count")).toEqual({ payload: 1 });
    });

    test("fault 3: is ended when its heap or its buffers outgrow the memory", async () => {
      start({ memoryMb: 128 });
      for (const does of ["fillHeap", "fillBuffers"])
        expect([does, await failure(invoke(does))]).toEqual([
          does,
          {
            errorType: "Runtime.OutOfMemory",
            errorMessage: expect.stringMatching(/Error: Runtime exited with error: signal: killed$/),
          },
        ]);
      expect(await invoke("count")).toEqual({ payload: 1 });
    });

    test("that leaves a rejection unhandled loses its sandbox, and the log says why", async () => {
      const lines: string[] = [];
      start({ onLog: (line) => lines.push(line) });
      expect(await failure(invoke("rejectUnawaited"))).toMatchObject({
        errorType: "Runtime.ExitError",
        errorMessage: expect.stringMatching(/Error: Runtime exited with error: exit status 1$/),
      });
      await expect.poll(() => lines.join("\n")).toContain("TableLocked: nobody waits for this");
      expect(await invoke("count")).toEqual({ payload: 1 });
    });

    test("that exits is told from one that answers", async () => {
      start();
      expect(await failure(invoke("exit", { status: 7 }))).toMatchObject({
        errorType: "Runtime.ExitError",
        errorMessage: expect.stringMatching(/Error: Runtime exited with error: exit status 7$/),
      });
      expect(await failure(invoke("exit", { status: 0 }))).toMatchObject({
        errorType: "Runtime.ExitError",
        errorMessage: expect.stringMatching(/Error: Runtime exited without providing a reason$/),
      });
      expect(await invoke("count")).toEqual({ payload: 1 });
    });

    test.for([
      ["broken-import", { errorType: "RangeError", errorMessage: "the configuration is empty" }],
      [
        "no-handler",
        {
          errorType: "Runtime.HandlerNotFound",
          errorMessage: "no-handler.handler is undefined or not exported",
        },
      ],
      [
        "syntax",
        { errorType: "Runtime.UserCodeSyntaxError", errorMessage: /^SyntaxError: Expected property name/ },
      ],
      ["missing", { errorType: "Runtime.ImportModuleError", errorMessage: /^Error: Cannot find module/ }],
    ] as const)("that cannot be loaded says why: %s", async ([module, expected]) => {
      start({ module });
      const { errorType, errorMessage } = await failure(lambda.invoke("step", {}));
      expect([errorType, errorMessage]).toEqual([
        expected.errorType,
        expect.stringMatching(expected.errorMessage),
      ]);
    });
  });

  describe("sandboxes", () => {
    test("are reused while warm and multiplied while busy", async () => {
      start();
      expect(await invoke("count")).toEqual({ payload: 1 });
      expect(await invoke("count")).toEqual({ payload: 2 });
      const busy = invoke("sleep", { milliseconds: 300 });
      expect(await invoke("count")).toEqual({ payload: 1 });
      await busy;
    });

    test("belong to a version, which stays as it was when the function is another", async () => {
      const settings = { module: kind.module("behaviour"), timeoutSeconds: 20, memoryMb: 256 };
      const versions: Record<string, FunctionSettings> = { $LATEST: settings, 1: settings };
      start({ functions: { find: (_name, version) => versions[version] } });
      const arn = functionArn("step");
      expect(functionVersion(`${arn}:1`)).toBe("1");
      expect(await lambda.invoke(`${arn}:1`, { does: "context" })).toMatchObject({
        payload: { functionName: "step", functionVersion: "1", invokedFunctionArn: `${arn}:1` },
      });
      expect(await invoke("count")).toEqual({ payload: 1 });
      versions.$LATEST = { ...settings, module: kind.module("no-handler") };
      expect(await failure(invoke("count"))).toMatchObject({ errorType: "Runtime.HandlerNotFound" });
      expect(await lambda.invoke("step:1", { does: "count" })).toEqual({ payload: 2 });
      expect(await failure(lambda.invoke("step:2", { does: "count" }))).toMatchObject({
        errorType: "Lambda.ResourceNotFoundException",
      });
    });

    test("fault 5: beyond the limit an invocation is throttled, and accepted again later", async () => {
      start({ concurrency: 1 });
      const busy = invoke("sleep", { milliseconds: 200 });
      expect(await failure(invoke("count"))).toEqual({
        errorType: "Lambda.TooManyRequestsException",
        errorMessage: "Rate Exceeded.",
      });
      await busy;
      expect(await invoke("count")).toEqual({ payload: 2 });
    });

    test("see their own variables and those Lambda sets, nothing of the host", async () => {
      process.env.HOST_SECRET = "not for functions";
      start({ environment: { REHEARSAL_BUCKET: "b", AWS_REGION: "eu-central-1" } });
      await invoke("setEnvironment");
      const { payload } = (await invoke("environment")) as { payload: Record<string, string> };
      expect(payload).toMatchObject({
        REHEARSAL_BUCKET: "b",
        AWS_REGION: "eu-central-1",
        AWS_LAMBDA_FUNCTION_NAME: "step",
        AWS_LAMBDA_FUNCTION_MEMORY_SIZE: "256",
        AWS_EXECUTION_ENV: "AWS_Lambda_nodejs24.x",
        AWS_CONFIG_FILE: "/dev/null",
        LEAK: "yes",
      });
      expect(payload).not.toHaveProperty("HOST_SECRET");
      expect(process.env).not.toHaveProperty("LEAK");
    });

    test("write to the log line by line, and each invocation ends with a report", async () => {
      const lines: string[] = [];
      start({ onLog: (line) => lines.push(line) });
      await invoke("say");
      // AWS's client puts the time, the request and the level in front.
      const said = () => lines.map((line) => line.split("\t").at(-1));
      await expect.poll(said).toContain("a line on stderr");
      expect(said()).toContain("a line on stdout");
      await invoke("throw");
      expect(lines).toContainEqual(
        expect.stringMatching(/^ERROR RequestId: \S+ Invoke Error {"errorType":"TableLocked"/),
      );
      expect(lines).toContainEqual(
        expect.stringMatching(
          /^REPORT RequestId: \S+ Function: step Duration: [\d.]+ ms Memory Size: 256 MB$/,
        ),
      );
    });

    test("go on when the caller leaves", async () => {
      start({ concurrency: 1 });
      const leaving = new AbortController();
      const left = lambda.invoke("step", { does: "sleep", milliseconds: 200 }, leaving.signal);
      leaving.abort(new Error("the caller left"));
      await expect(left).rejects.toThrow("the caller left");
      expect(await failure(invoke("count"))).toMatchObject({ errorType: "Lambda.TooManyRequestsException" });
      await expect.poll(() => invoke("count")).toEqual({ payload: 2 });
    });

    test("end with the runner, busy or idle", async () => {
      start();
      const busy = invoke("spin");
      await lambda.stop();
      expect(await failure(busy)).toMatchObject({ errorType: "Runtime.ExitError" });
      expect(await failure(invoke("count"))).toMatchObject({ errorType: "Lambda.ServiceException" });
    });
  });
});

describe("the preloaded module", () => {
  beforeAll(() => {
    kind = { options: {}, module: OUR_MODULES };
  });

  test("runs in the sandbox before the handler's module", async () => {
    start({ preload: fixture("preload.ts") });
    expect(await invoke("preloaded")).toEqual({ payload: "before the handler" });
  });

  test("fault 1: kills the whole process at a milestone of its choice", async () => {
    start({ preload: fixture("preload.ts") });
    expect(await invoke("milestone", { point: "harmless" })).toEqual({ payload: "still alive" });
    const child = spawn(process.execPath, [fileURLToPath(fixture("invoke-fatal.ts"))], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const ended = new Promise((resolve) => child.on("close", (_, signal) => resolve(signal)));
    expect(await text(child.stdout)).toBe("started\n");
    expect(await ended).toBe("SIGKILL");
  });
});
