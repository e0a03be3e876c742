/** The API in parts: the front reads for each path the routes that the whole has for it, and answers health without any. */
import { Hono } from "hono";
import { expect, test } from "vitest";
import { app } from "../../functions/api/app.ts";
import { front } from "../../functions/api/front.ts";
import { PARTS } from "../../functions/api/parts.ts";

/** Which part a path comes to, as the front has them. */
const whose = new Hono();
for (const [index, { paths }] of PARTS.entries())
  for (const path of paths) whose.all(path, (c) => c.json(index));

const PARAMETER = /:(\w+)(\{[^}]*\})?/g;

const sampleOf = (path: string) => path.replaceAll(PARAMETER, "some-$1");
const patternOf = (path: string) => new RegExp(`^${path.replaceAll(PARAMETER, "[^/]+")}$`);

async function partOf(path: string) {
  const answer = await whose.request(sampleOf(path));
  const part = PARTS[(await answer.json()) as number];
  return (await part?.read()) as typeof app;
}

const routesOf = (one: typeof app) =>
  one.routes.filter(({ method }) => method !== "ALL").map(({ method, path }) => `${method} ${path}`);

test("each route of the whole is in the part that its path comes to", async () => {
  const whole = app.routes.filter(({ method, path }) => method !== "ALL" && path !== "/*");
  expect(whole.length).toBeGreaterThan(50);
  for (const { method, path } of whole)
    expect(routesOf(await partOf(path)), `${method} ${path}`).toContain(`${method} ${path}`);
});

test("of the routes that a path fits, the part has all that the whole has, in their order", async () => {
  for (const path of new Set(app.routes.map((route) => route.path))) {
    const asked = sampleOf(path);
    const fits = (one: typeof app) =>
      routesOf(one).filter((route) => patternOf(route.split(" ")[1] ?? "").test(asked));
    expect(fits(await partOf(path)), path).toEqual(fits(app));
  }
});

test("the whole and the front answer health in the same words, under either prefix", async () => {
  for (const answer of [
    await app.request("/health"),
    await front.request("/health"),
    await front.request("/iam/health"),
  ]) {
    expect(answer.status).toBe(200);
    expect(answer.headers.get("content-type")).toBe("application/json");
    expect(await answer.json()).toEqual({ status: "ok" });
  }
});

test("what is nowhere is refused as everything is, to whoever is nobody", async () => {
  const answer = await front.request("/nowhere");
  expect(answer.status).toBe(401);
  expect(await answer.json()).toMatchObject({ code: "Unauthorized", hint: expect.any(String) });
});
