/**
 * Every operation of the OpenAPI document, fed from its own schemas with what fits and what does not, through the
 * function's handler with a real ledger, bucket and state machines behind it: nothing may fail without a code and a
 * hint, and what succeeds is as the document says. `REHEARSAL_FUZZ_SEED`
 * replays or varies a run, `REHEARSAL_FUZZ_REQUESTS` makes it longer.
 */
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import * as z from "zod";
import { databaseUrl } from "../../core/database-url.ts";
import { ERRORS } from "../../core/errors.ts";
import { problemSchema } from "../../functions/api/problem.ts";
import { newId } from "../../io/new-id.ts";
import type { DocumentedOperation, DocumentedParameter, DocumentedSchema } from "../../web/reference.ts";
import { bodyText, type Known, valueFor, wildString } from "./arbitrary.ts";
import { ask, start } from "./course.ts";
import type { Answered, Call } from "./lambda-call.ts";
import { KEY, openWorld, registerFresh, uploadRelease, type World } from "./world.ts";

const SEED = Number(process.env.REHEARSAL_FUZZ_SEED ?? 20_260_101);
/** Of the document's operations together. */
const REQUESTS = Number(process.env.REHEARSAL_FUZZ_REQUESTS ?? 1_200);

process.env.REHEARSAL_LIMIT_REQUESTS = "1000000";
const { app } = await import("../../functions/api/app.ts");
const { apiDocument } = await import("../../functions/api/document.ts");
const { callLambda } = await import("./lambda-call.ts");
const document = apiDocument(app);
const schemas = document.components.schemas;
const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ method, path, operation })),
);

let world: World;
/** What is there, by the name of the field or of what a path's id is of. */
const there: Record<string, unknown[]> = {};
const tally = { requests: 0, succeeded: 0 };

beforeAll(async () => {
  world = await openWorld();
  const release = await uploadRelease(world);
  const address = await registerFresh(world, "fuzzed", { policy: { decision: "approval" } });
  await registerFresh(world, "still");
  const { id } = await start(world, "fuzzed", release);
  await ask(world, id);
  const task = newId("task");
  await world.ledger.query(
    `insert into ledger.tasks (id, kind, environment, input, requested_by, status, outcome, ended_at)
      values ($1, 'baseline', 'fuzzed', '{}', 'tester', 'succeeded', '{}', now())`,
    [task],
  );
  const backup = newId("backup");
  await world.ledger.query(
    `insert into ledger.backups (id, environment, task, manifest_key, manifest_sha256, bytes, rows, taken_at, retention, retain_until)
      values ($1, 'fuzzed', $2, 'backups/fuzzed/x/manifest.json', 'hash', 1, 1, now(), 'manual', now())`,
    [backup, task],
  );
  const [prune, hold] = [newId("prune"), newId("hold")];
  await world.ledger.query(
    `insert into ledger.prunes (id, environment, policy, release, digest, trigger, mode, requested_by, status)
      values ($1, 'fuzzed', 'books', $2, '', 'request', 'prune', 'tester', 'pruned')`,
    [prune, release],
  );
  await world.ledger.query(
    `insert into ledger.prune_records (prune, record, environment, policy, batch, status)
      select $1, record, 'fuzzed', 'books', 1, 'pruned' from unnest('{1,2}'::text[]) record`,
    [prune],
  );
  await world.ledger.query(
    `insert into ledger.holds (id, environment, policy, record, reason, placed_by)
      values ($1, 'fuzzed', 'books', '1', 'asked', 'tester'), ($2, 'fuzzed', 'books', null, 'asked', 'tester')`,
    [hold, newId("hold")],
  );
  await world.store.putOnce(`promotions/${id}/admit/1/note.json`, Buffer.from("{}"));
  Object.assign(there, {
    promotions: [id],
    tasks: [task],
    backups: [backup],
    prunes: [prune],
    holds: [hold],
    policy: ["books"],
    record: ["1", "2"],
    records: [["1"]],
    backup: [backup, "latest"],
    release: [release, release.slice(0, 8)],
    hash: [release],
    environment: ["fuzzed", "still"],
    environments: ["fuzzed", "still"],
    from: ["fuzzed", release],
    to: ["still", release],
    before: [release],
    after: [release],
    key: ["admit/1/note.json", "rehearse/1/report.json"],
    url: [databaseUrl(address), databaseUrl(await world.target())],
    confirm: ["fuzzed"],
    seconds: [0],
    limit: [1, 2, 200],
    "if-match": ["*"],
    "last-event-id": ["0."],
  });
  // Cursors as the lists give them out.
  for (const { method, path } of operations.filter((one) => takesCursor(one.operation))) {
    const { body } = await callLambda({
      method: method.toUpperCase(),
      path: path.replaceAll(
        "{id}",
        path.startsWith("/tasks") ? task : path.startsWith("/prunes") ? prune : id,
      ),
      query: "limit=1",
      headers: { authorization: `Bearer ${KEY}` },
    });
    there[`${path} cursor`] = [(JSON.parse(body) as { next?: string }).next ?? undefined].filter(
      (next) => next !== undefined,
    );
  }
});

const takesCursor = ({ parameters = [] }: DocumentedOperation) =>
  parameters.some(({ name }) => name === "cursor");

afterAll(async () => {
  await world.close();
});

/** Of a path, an id is that of what stands ahead of it, and whoever asks is never changed. */
function knownFor(path: string): Known {
  const of = path.split("/")[1] ?? "";
  return (name) => {
    if (name === "id" || name === "name") return there[of] ?? [];
    return there[`${path} ${name}`] ?? there[name] ?? [];
  };
}

/** Requests of an operation, in the terms of HTTP. */
function requestsOf(path: string, method: string, operation: DocumentedOperation): fc.Arbitrary<Call> {
  const known = knownFor(path);
  const { parameters = [], requestBody } = operation;
  const drawn = (place: DocumentedParameter["in"]) =>
    fc.record(
      Object.fromEntries(
        parameters
          .filter((one) => one.in === place)
          .map(({ name, required, schema = {} }) => {
            const value = valueFor(schema, schemas, known, name).map(asText);
            return [name, required ? value : fc.option(value, { nil: undefined })];
          }),
      ),
    );
  const body: DocumentedSchema | undefined = requestBody?.content["application/json"]?.schema;
  const type = fc.oneof(
    { arbitrary: fc.constant("application/json"), weight: 30 },
    {
      arbitrary: fc.constantFrom("text/plain", "application/json; charset=utf-16", "multipart/form-data", ""),
      weight: 1,
    },
  );
  return fc
    .record({
      params: drawn("path"),
      query: drawn("query"),
      headers: drawn("header"),
      stray: fc.option(fc.tuple(wildString, wildString), { nil: undefined, freq: 8 }),
      body: body === undefined ? fc.constant(undefined) : bodyText(valueFor(body, schemas, known)),
      type,
    })
    .map(({ params, query, headers, stray, body, type }) => ({
      method: method.toUpperCase(),
      path: path.replaceAll(/\{(\w+)\}/g, (_, name: string) => inPath(params[name] ?? "")),
      query: new URLSearchParams([...given(query), ...(stray ? [stray] : [])]).toString(),
      headers: {
        authorization: `Bearer ${KEY}`,
        ...(body === undefined ? {} : { "content-type": type }),
        ...Object.fromEntries(given(headers).map(([name, value]) => [name, inHeader(value)])),
      },
      ...(body !== undefined && { body }),
    }));
}

const asText = (value: unknown) => (typeof value === "string" ? value : (JSON.stringify(value) ?? ""));

const given = (values: Record<string, string | undefined>): [string, string][] =>
  Object.entries(values).filter((pair): pair is [string, string] => pair[1] !== undefined);

/** A path that leads elsewhere is another operation's. */
const inPath = (value: string) => value.replaceAll(/[?#]/g, "").replaceAll(/^\.{1,2}$/g, "") || "-";

/** What HTTP lets through at all. */
const inHeader = (value: string) => value.replaceAll(/[^\x20-\x7e\xa0-\xff]/g, "?").trim();

/** A schema of the document, to hold an answer against. */
function checkerOf(schema: DocumentedSchema): z.ZodType {
  const text = JSON.stringify({ ...schema, $defs: schemas }).replaceAll("#/components/schemas/", "#/$defs/");
  return z.fromJSONSchema(JSON.parse(text));
}

const checkers = new Map<string, z.ZodType>();

function judge(operation: DocumentedOperation, call: Call, answer: Answered): void {
  const { status, headers, body } = answer;
  const about = `${call.method} ${call.path}?${call.query} ${call.body ?? ""} → ${status} ${body.slice(0, 600)}`;
  expect(status, about).toBeLessThan(500);
  const media = (headers["content-type"] ?? "").split(";")[0] ?? "";
  if (status >= 400) {
    expect(media, about).toBe("application/problem+json");
    const problem = problemSchema.parse(JSON.parse(body));
    const entry = ERRORS[problem.code as keyof typeof ERRORS];
    expect(entry?.status, about).toBe(status);
    expect(problem.status, about).toBe(status);
    return;
  }
  tally.succeeded++;
  const told = operation.responses[String(status)];
  expect(told, `${about} is in no document`).toBeDefined();
  const schema = told?.content?.[media]?.schema;
  if (told?.content === undefined) {
    expect(body, about).toBe("");
    return;
  }
  expect(schema, `${about}: ${media}`).toBeDefined();
  if (schema === undefined || media !== "application/json") return;
  const name = `${operation.operationId} ${status}`;
  const checker = checkers.get(name) ?? checkerOf(schema);
  checkers.set(name, checker);
  const checked = checker.safeParse(JSON.parse(body));
  expect(checked.success ? "" : z.prettifyError(checked.error), about).toBe("");
}

describe("no request makes the API fail, and every refusal tells its code and its mend", () => {
  test.for(operations)("$operation.operationId", { timeout: 60_000 }, async ({ method, path, operation }) => {
    await fc.assert(
      fc.asyncProperty(requestsOf(path, method, operation), async (call) => {
        tally.requests++;
        judge(operation, call, await callLambda(call));
      }),
      { numRuns: Math.ceil(REQUESTS / operations.length), seed: SEED, interruptAfterTimeLimit: 50_000 },
    );
  });

  test("they were many, and many of them got through", () => {
    expect(tally.requests).toBeGreaterThanOrEqual(REQUESTS * 0.8);
    expect(tally.succeeded).toBeGreaterThan(tally.requests / 8);
  });

  test("whoever asked is who they were, and what stood still stands", async () => {
    const answer = await callLambda({
      method: "GET",
      path: "/environments/still",
      headers: { authorization: `Bearer ${KEY}` },
    });
    expect(answer.status).toBe(200);
    expect(({} as Record<string, unknown>).role).toBeUndefined();
  });
});
