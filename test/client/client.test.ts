/** The typed client over HTTP, through the gateway: what it sends arrives, what comes back is typed, and wrong fields do not compile. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Client, createClient, Refusal, told } from "../../client/client.ts";
import { type ApiGateway, startApiGateway } from "../../local/api-gateway.ts";
import { start } from "../api/course.ts";
import { KEY, openWorld, registerFresh, uploadRelease, type World } from "../api/world.ts";

let world: World;
let release: string;
let client: Client;
let gateway: ApiGateway;

beforeAll(async () => {
  world = await openWorld();
  release = await uploadRelease(world);
  const { handler } = await import("../../functions/api/main.ts");
  type Handled = Parameters<typeof handler>;
  const context = { getRemainingTimeInMillis: () => 29_000 } as unknown as Handled[1];
  gateway = await startApiGateway({
    functionName: "api",
    invoke: async (_, event) => ({ payload: await handler(event as Handled[0], context) }),
  });
  client = createClient({ url: gateway.url, key: KEY });
});

afterAll(async () => {
  await gateway.stop();
  await world.close();
});

test("a promotion is started, found and shown", async () => {
  await registerFresh(world, "typed");
  const started = await told(
    client.promotions.$post({
      header: { "idempotency-key": "once" },
      json: { environment: "typed", release },
    }),
  );
  expect(started).toMatchObject({ environment: "typed", release, status: "created" });
  const { promotions, next } = await told(client.promotions.$get({ query: { environment: "typed" } }));
  expect(promotions.map(({ id }) => id)).toEqual([started.id]);
  expect(next).toBeNull();
  const shown = await told(client.promotions[":id"].$get({ param: { id: started.id }, header: {} }));
  expect(shown?.steps).toEqual([]);
});

test("what is refused is thrown, with code and hint", async () => {
  const asked = told(client.environments[":name"].$get({ param: { name: "nowhere" }, header: {} }));
  const refusal = await asked.catch((error: unknown) => error);
  expect(refusal).toBeInstanceOf(Refusal);
  expect(refusal).toMatchObject({
    status: 404,
    code: "NotFound",
    message: 'there is no environment "nowhere"',
    hint: expect.stringContaining("list"),
    facts: { what: "environment", name: "nowhere" },
  });
});

test("it waits for news", async () => {
  await registerFresh(world, "news");
  const { id } = await start(world, "news", release);
  const answer = await client.promotions[":id"].wait.$get({ param: { id }, query: { seconds: "0" } });
  expect(answer.status).toBe(200);
  const etag = answer.headers.get("etag") ?? "";
  const known = await client.promotions[":id"].wait.$get({ param: { id }, query: { etag, seconds: "0" } });
  expect(known.status).toBe(304);
});

test("what does not fit the API does not compile", () => {
  const never = () => [
    // @ts-expect-error a promotion has no such field
    client.promotions.$post({ header: {}, json: { environment: "typed", release, sead: true } }),
    // @ts-expect-error a release is named by text
    client.promotions.$post({ header: {}, json: { environment: "typed", release: 7 } }),
    // @ts-expect-error nothing is at that path
    client.promotion.$get(),
    // @ts-expect-error an environment has a name, no id
    client.environments[":name"].$get({ param: { id: "typed" }, header: {} }),
    // @ts-expect-error an answer has no such field
    told(client.releases.$get({ query: {} })).then(({ release }) => release),
  ];
  expect(never).toBeTypeOf("function");
});
