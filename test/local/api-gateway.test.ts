/**
 * API Gateway over real HTTP: a Hono application behind it, bundled and under the Runtime API, and results that are malformed.
 * Long because the documented event stands here whole, beside what the gateway makes of a request.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bundle } from "../../infra/bundle.ts";
import { type ApiGateway, startApiGateway } from "../../local/api-gateway.ts";
import { type LambdaRunner, startLambdaRunner } from "../../local/lambda/runner.ts";

let lambda: LambdaRunner;
let gateway: ApiGateway;

const folder = mkdtempSync(join(tmpdir(), "rehearsal-web-"));

const functions = {
  api: { module: pathToFileURL(join(folder, "main.mjs")), timeoutSeconds: 10, memoryMb: 256 },
};

beforeAll(async () => {
  await bundle({
    ...{ name: "web", folder },
    entry: fileURLToPath(new URL("../fixtures/handlers/web.ts", import.meta.url)),
  });
  lambda = startLambdaRunner({ functions, environment: {}, processes: true, onLog: () => undefined });
  gateway = await startApiGateway({ invoke: lambda.invoke, functionName: "api" });
});

afterAll(async () => {
  await gateway.stop();
  await lambda.stop();
  rmSync(folder, { recursive: true });
});

const get = (path: string, init?: RequestInit) =>
  fetch(`${gateway.url}${path}`, { redirect: "manual", ...init });

describe("a request", () => {
  test("becomes a payload 2.0 event", async () => {
    const response = await get("/event?tag=a&tag=b%20c&empty=", {
      headers: { "X-Mixed-Case": "Value", cookie: "one=1; two=2", "user-agent": "test" },
    });
    const event = (await response.json()) as { headers: object };
    expect(event).toEqual({
      version: "2.0",
      routeKey: "$default",
      rawPath: "/event",
      rawQueryString: "tag=a&tag=b%20c&empty=",
      queryStringParameters: { tag: "a,b c", empty: "" },
      cookies: ["one=1", "two=2"],
      headers: expect.objectContaining({
        "x-mixed-case": "Value",
        "x-forwarded-for": "127.0.0.1",
        "x-forwarded-proto": "http",
        "x-amzn-trace-id": expect.stringMatching(/^Root=1-[0-9a-f]{8}-[0-9a-f]{24}$/),
      }),
      requestContext: {
        accountId: "000000000000",
        apiId: "rehearsal",
        domainName: gateway.url.slice("http://".length),
        domainPrefix: "rehearsal",
        http: {
          method: "GET",
          path: "/event",
          protocol: "HTTP/1.1",
          sourceIp: "127.0.0.1",
          userAgent: "test",
        },
        requestId: expect.any(String),
        routeKey: "$default",
        stage: "$default",
        time: expect.stringMatching(/^\d\d\/[A-Z][a-z]{2}\/\d{4}:\d\d:\d\d:\d\d \+0000$/),
        timeEpoch: expect.any(Number),
      },
      isBase64Encoded: false,
    });
    expect(event.headers).not.toHaveProperty("cookie");
  });

  test("joins repeated headers by commas", async () => {
    const seen = await new Promise<string>((resolve, reject) => {
      request(`${gateway.url}/event`, { headers: { "x-many": ["a", "b"] } }, async (response) => {
        const chunks: Buffer[] = [];
        for await (const chunk of response) chunks.push(chunk);
        resolve(Buffer.concat(chunks).toString());
      })
        .on("error", reject)
        .end();
    });
    expect(JSON.parse(seen).headers["x-many"]).toBe("a,b");
  });

  test("reaches the application with its cookies and its repeated parameters", async () => {
    const seen = await (await get("/seen?tag=a&tag=b", { headers: { cookie: "one=1; two=2" } })).json();
    expect(seen).toMatchObject({ path: "/seen", queries: { tag: ["a", "b"] }, cookie: "one=1; two=2" });
  });

  test("loses the encoding of its path, as in AWS", async () => {
    expect(await (await get("/names/a%2Fb%3Fc")).text()).toBe("/names/a/b");
    expect(await (await get("/names/100%")).text()).toBe("/names/100%");
  });

  test("carries text as text, and bytes and forms as base64", async () => {
    expect(
      await (
        await get("/event", {
          method: "POST",
          body: '{"é":1}',
          headers: { "content-type": "application/json; charset=utf-8" },
        })
      ).json(),
    ).toMatchObject({ body: '{"é":1}', isBase64Encoded: false });
    expect(
      await (await get("/event", { method: "POST", body: new URLSearchParams({ a: "1" }) })).json(),
    ).toMatchObject({ body: Buffer.from("a=1").toString("base64"), isBase64Encoded: true });
    expect(
      await (
        await get("/event", {
          method: "POST",
          body: Buffer.from([0xff, 0x00]),
          headers: { "content-type": "text/plain" },
        })
      ).json(),
    ).toMatchObject({ body: "/wA=", isBase64Encoded: true });
  });

  test("round-trips JSON, forms and bytes through the application", async () => {
    const json = await get("/json", {
      method: "POST",
      body: '{"name":"naïve"}',
      headers: { "content-type": "application/json" },
    });
    expect([json.status, await json.json()]).toEqual([201, { name: "naïve" }]);
    const form = await get("/form", { method: "POST", body: new URLSearchParams({ note: "a & b" }) });
    expect(await form.json()).toEqual({ note: "a & b" });
    const bytes = Uint8Array.from({ length: 256 }, (_, index) => index);
    const image = await get("/bytes", {
      method: "POST",
      body: bytes,
      headers: { "content-type": "image/png" },
    });
    expect(image.headers.get("content-type")).toBe("image/png");
    expect(new Uint8Array(await image.arrayBuffer())).toEqual(bytes);
  });

  test("over 10 MB is refused before the function runs, and over Lambda's 6 MB after", async () => {
    const post = (bytes: number) => get("/json", { method: "POST", body: new Uint8Array(bytes) });
    const refused = await post(10 * 1024 * 1024 + 1);
    expect([refused.status, await refused.json()]).toEqual([413, { message: "Request Entity Too Large" }]);
    expect((await post(6 * 1024 * 1024)).status).toBe(500);
  });
});

/**
 * The example of payload format 2.0 in the developer guide:
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
 */
const DOCUMENTED = {
  version: "2.0",
  routeKey: "$default",
  rawPath: "/my/path",
  rawQueryString: "parameter1=value1&parameter1=value2&parameter2=value",
  cookies: ["cookie1", "cookie2"],
  headers: { header1: "value1", header2: "value1,value2" },
  queryStringParameters: { parameter1: "value1,value2", parameter2: "value" },
  requestContext: {
    accountId: "123456789012",
    apiId: "api-id",
    authorizer: { jwt: { claims: { claim1: "value1", claim2: "value2" }, scopes: ["scope1", "scope2"] } },
    domainName: "id.execute-api.us-east-1.amazonaws.com",
    domainPrefix: "id",
    http: {
      method: "POST",
      path: "/my/path",
      protocol: "HTTP/1.1",
      sourceIp: "192.0.2.1",
      userAgent: "agent",
    },
    requestId: "id",
    routeKey: "$default",
    stage: "$default",
    time: "12/Mar/2020:19:03:58 +0000",
    timeEpoch: 1583348638390,
  },
  body: "Hello from Lambda",
  pathParameters: { parameter1: "value1" },
  isBase64Encoded: false,
  stageVariables: { stageVariable1: "value1", stageVariable2: "value2" },
};

describe("the documented event", () => {
  const answered = async (event: object) =>
    (await lambda.invoke("api", event)) as { payload: { body: string; headers: Record<string, string> } };

  test.for([
    ["as it stands", {}, "Hello from Lambda"],
    [
      "with a body in base64",
      { body: Buffer.from([0xff, 0, 0xc3]).toString("base64"), isBase64Encoded: true },
      Buffer.from([0xff, 0, 0xc3]).toString("latin1"),
    ],
    ["without a body", { body: undefined }, ""],
  ] as const)("is read by the application: %s", async ([, change, body]) => {
    const { payload } = await answered({ ...DOCUMENTED, ...change });
    expect(payload).toMatchObject({
      statusCode: 200,
      isBase64Encoded: false,
      headers: { "content-type": "application/json" },
      cookies: ["cookie1=value1; Path=/", "cookie2=value2; Path=/"],
    });
    expect(JSON.parse(payload.body)).toEqual({
      url: "https://id.execute-api.us-east-1.amazonaws.com/my/path?parameter1=value1&parameter1=value2&parameter2=value",
      method: "POST",
      queries: { parameter1: ["value1", "value2"], parameter2: ["value"] },
      header2: "value1,value2",
      cookie: "cookie1; cookie2",
      body,
    });
  });

  test("is what the gateway makes of the same request, but for who and when", async () => {
    const response = await get("/event?parameter1=value1&parameter1=value2&parameter2=value", {
      method: "POST",
      body: "Hello from Lambda",
      headers: { "content-type": "text/plain", header1: "value1", cookie: "cookie1; cookie2" },
    });
    const event = (await response.json()) as Record<string, unknown>;
    const { authorizer: _, ...context } = DOCUMENTED.requestContext;
    expect(Object.keys(event).sort()).toEqual(
      Object.keys(DOCUMENTED)
        .filter((name) => name !== "pathParameters" && name !== "stageVariables")
        .sort(),
    );
    expect(Object.keys(event.requestContext as object).sort()).toEqual(Object.keys(context).sort());
    const { rawQueryString, queryStringParameters, cookies, body, isBase64Encoded } = DOCUMENTED;
    expect(event).toMatchObject({ rawQueryString, queryStringParameters, cookies, body, isBase64Encoded });
  });
});

describe("a result", () => {
  test("sets each cookie in a header of its own", async () => {
    const response = await get("/cookies");
    expect(response.status).toBe(302);
    expect(response.headers.get("location")).toBe("/seen");
    expect(response.headers.getSetCookie()).toEqual([
      "session=a%20b; Path=/; HttpOnly",
      "theme=dark; Path=/",
    ]);
  });

  test("without a body has none", async () => {
    const response = await get("/nothing");
    expect([response.status, await response.text()]).toEqual([204, ""]);
    const head = await get("/seen", { method: "HEAD" });
    expect([head.status, await head.text()]).toEqual([200, ""]);
  });

  test.for([
    ["/bare", '{"message":"Hello from Lambda!"}'],
    ["/text", "Hello from Lambda!"],
    ["/null", "null"],
  ] as const)("without a status is the JSON body of a 200: %s", async ([path, body]) => {
    const response = await get(path);
    expect([response.status, response.headers.get("content-type"), await response.text()]).toEqual([
      200,
      "application/json",
      body,
    ]);
  });

  test("without a content type is plain text, and its length is the true one", async () => {
    const response = await get("/no-type");
    expect(Object.fromEntries(response.headers)).toMatchObject({
      "content-type": "text/plain;charset=UTF-8",
      "content-length": "5",
      "x-number": "7",
      "apigw-requestid": expect.any(String),
    });
    expect(await response.text()).toBe("plain");
  });

  test.for(["/status-text", "/body-object", "/bad-header", "/throw"])(
    "that is malformed or an error tells nothing but 500: %s",
    async (path) => {
      const response = await get(path);
      expect([response.status, await response.text()]).toEqual([500, '{"message":"Internal Server Error"}']);
    },
  );

  test("that comes too late is a 503", async () => {
    const hasty = await startApiGateway({
      invoke: lambda.invoke,
      functionName: "api",
      integrationTimeout: 100,
    });
    const response = await fetch(`${hasty.url}/slow`);
    expect([response.status, await response.text()]).toEqual([503, '{"message":"Service Unavailable"}']);
    await hasty.stop();
  });

  test("fault 5: of a throttled function is a 503", async () => {
    const narrow = startLambdaRunner({ functions, environment: {}, concurrency: 1, processes: true });
    const busy = await startApiGateway({ invoke: narrow.invoke, functionName: "api" });
    const statuses = await Promise.all([1, 2].map(async () => (await fetch(`${busy.url}/slow`)).status));
    expect(statuses.sort()).toEqual([200, 503]);
    await busy.stop();
    await narrow.stop();
  });
});
