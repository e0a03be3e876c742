/** The OpenAPI document and the reference page: valid, whole, drawn from the routes themselves, and handed out to anybody. */
import { Validator } from "@seriousme/openapi-schema-validator";
import { describe, expect, test } from "vitest";
import { ERRORS } from "../../core/errors.ts";
import { app } from "../../functions/api/app.ts";
import { apiDocument } from "../../functions/api/document.ts";
import { referencePage } from "../../web/reference.ts";

const document = apiDocument(app);
const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ method, path, operation })),
);

describe("the document", () => {
  test("is valid OpenAPI 3.1", async () => {
    const { valid, errors } = await new Validator().validate(structuredClone({ ...document }));
    expect(errors).toBeUndefined();
    expect(valid).toBe(true);
    expect(document.openapi).toBe("3.1.0");
  });

  test("names every route that the API answers", () => {
    const answered = app.routes
      .filter(({ method, path }) => method !== "ALL" && path !== "/" && !path.startsWith("/console"))
      .map(({ method, path }) => `${method.toLowerCase()} ${path.replaceAll(/:(\w+)(\{[^}]*\})?/g, "{$1}")}`);
    const told = operations.map(({ method, path }) => `${method} ${path}`);
    expect([...new Set(answered)].sort()).toEqual(told.sort());
  });

  test("gives each operation a name of its own, a tag, a sentence and the permission it takes", () => {
    const ids = operations.map(({ operation }) => operation.operationId);
    expect(new Set(ids).size).toBe(ids.length);
    const tags = document.tags.map(({ name }) => name);
    for (const { operation } of operations) {
      expect(operation.operationId).toMatch(/^[a-z][A-Za-z]+$/);
      expect(operation.summary.length).toBeGreaterThan(5);
      expect(tags).toEqual(expect.arrayContaining(operation.tags));
      expect(operation["x-access"], operation.operationId).toMatchObject({
        permission: expect.any(String),
        of: expect.any(String),
      });
    }
  });

  test("tells under each status only codes of the catalogue that have it", () => {
    for (const { operation } of operations)
      for (const [status, { "x-codes": codes = [] }] of Object.entries(operation.responses))
        for (const code of codes)
          expect(String(ERRORS[code as keyof typeof ERRORS].status), `${operation.operationId} ${code}`).toBe(
            status,
          );
  });

  test("tells the headers that go with a key, a state and a pause", () => {
    const of = (id: string) => operations.find(({ operation }) => operation.operationId === id)?.operation;
    expect(of("startPromotion")?.parameters).toContainEqual(
      expect.objectContaining({ in: "header", name: "idempotency-key" }),
    );
    expect(of("approvePromotion")?.parameters).toContainEqual(
      expect.objectContaining({ in: "header", name: "if-match" }),
    );
    expect(of("showPromotion")?.responses["200"]?.headers).toHaveProperty("etag");
    expect(of("showPromotion")?.responses["429"]?.headers).toHaveProperty("retry-after");
  });

  test("is handed out to anybody, and is the one that stands in docs/", async () => {
    const answer = await app.request("/openapi.json");
    expect(answer.status).toBe(200);
    expect(await answer.json()).toEqual(JSON.parse(JSON.stringify(document)));
  });
});

describe("the reference page", () => {
  test("is handed out to anybody, under a policy that lets nothing run and nothing load", async () => {
    const answer = await app.request("/reference");
    expect(answer.status).toBe(200);
    expect(answer.headers.get("content-type")).toContain("text/html");
    const policy = answer.headers.get("content-security-policy") ?? "";
    expect(policy).toMatch(/^default-src 'none'; style-src 'sha256-[A-Za-z0-9+/=]{44}'/);
    const page = await answer.text();
    expect(page).not.toMatch(/<script|\son[a-z]+=|style=|https?:\/\/(?!www\.apache)/i);
  });

  test("has every operation and every schema under an anchor of its own, and each link leads to one", async () => {
    const page = await (await app.request("/reference")).text();
    const anchors = [...page.matchAll(/\sid="([^"]+)"/g)].map(([, id]) => id);
    expect(new Set(anchors).size).toBe(anchors.length);
    for (const { operation } of operations) expect(anchors).toContain(operation.operationId);
    for (const name of Object.keys(document.components.schemas)) expect(anchors).toContain(`schema-${name}`);
    for (const [, target] of page.matchAll(/href="#([^"]+)"/g)) expect(anchors).toContain(target);
  });

  test("abuse 31: what a description says is shown, and never obeyed", async () => {
    const wild = structuredClone(document);
    wild.info.description = "<img src=x onerror=alert(1)> `<b>` **<i>**";
    const page = String(await referencePage(wild, ""));
    expect(page).not.toMatch(/<img|<b>|<i>/);
    expect(page).toContain("&lt;img src=x onerror=alert(1)&gt;");
  });
});
