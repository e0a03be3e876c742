/**
 * Every operation of the OpenAPI document, called as every role, held on one environment or on all, about one's own
 * environment or another's: what is allowed and what is refused follows from `x-access` alone, and every refusal is in the log.
 */
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { ACCESS_ROLES, type AccessRole, type Permission } from "../../core/access.ts";
import { type Operation, operations } from "../../docs/access-table.ts";
import { newId } from "../../io/new-id.ts";
import { openWorld, registerFresh, uploadRelease, type World } from "./world.ts";

/** Spelled out once more: the code under test must not be what says how it should be. */
const HAS: Record<AccessRole, readonly Permission[]> = {
  viewer: ["read"],
  promoter: ["read", "promote"],
  approver: ["read", "decide"],
  admin: ["read", "promote", "decide", "administer"],
};

interface Place {
  environment: string;
  promotion: string;
  task: string;
  backup: string;
  prune: string;
  hold: string;
}

interface Caller {
  name: string;
  role: AccessRole | undefined;
  held: "own" | "*";
}

let world: World;
let release: string;
const places: Record<string, Place> = {};
const keys = new Map<string, string>();

const CALLERS: Caller[] = [
  ...ACCESS_ROLES.flatMap((role): Caller[] => [
    { name: `own-${role}`, role, held: "own" },
    { name: `all-${role}`, role, held: "*" },
  ]),
  { name: "nobody", role: undefined, held: "own" },
];

/** What operations take whose environment is in the body. Any other gets an empty body, or none. */
const BODIES: Record<string, (place: Place) => object> = {
  startPromotion: ({ environment }) => ({ environment, release }),
  planPromotion: ({ environment }) => ({ environment, release }),
  expireBackups: ({ environment }) => ({ environment }),
  compareShapes: ({ environment, promotion }) => ({ from: environment, to: promotion }),
};

/** Whom operations about people are about: nobody who calls. */
const SUBJECT = "subject";

beforeAll(async () => {
  // Every refusal of a credential is a line there.
  vi.stubEnv("POWERTOOLS_LOG_LEVEL", "SILENT");
  world = await openWorld();
  release = await uploadRelease(world);
  for (const environment of ["own", "other"]) places[environment] = await furnish(environment);
  for (const { name, role, held } of CALLERS) {
    const grants = role === undefined ? [] : [{ environment: held, role }];
    keys.set(name, await newPerson(name, grants));
  }
  await newPerson(SUBJECT, []);
});

afterAll(async () => {
  await world.close();
  vi.unstubAllEnvs();
});

async function must<Body>(method: string, path: string, body?: object): Promise<Body> {
  const answer = await world.call<Body>(method, path, body);
  if (answer.status >= 300) throw new Error(`${method} ${path}: ${JSON.stringify(answer.body)}`);
  return answer.body;
}

async function newPerson(name: string, grants: object[]): Promise<string> {
  await must("POST", "/people", { name, grants });
  return (await must<{ key: string }>("POST", "/keys", { person: name, label: "matrix" })).key;
}

/** An environment with a promotion, a task, a backup, a prune and a hold. */
async function furnish(environment: string): Promise<Place> {
  await registerFresh(world, environment);
  const { id: task } = await must<{ id: string }>("POST", `/environments/${environment}/baselines`);
  const { id: promotion } = await must<{ id: string }>("POST", "/promotions", { environment, release });
  const backup = `b261121${environment}aa`;
  await world.ledger.query(
    `insert into ledger.backups (id, environment, promotion, manifest_key, manifest_sha256, bytes, rows, retain_until)
      values ($1, $2, $3, $4, $5, 1, 1, now() + interval '1 day')`,
    [backup, environment, promotion, `backups/${environment}/${backup}/manifest.json`, "0".repeat(64)],
  );
  const [prune, hold] = [newId("prune"), newId("hold")];
  await world.ledger.query(
    `insert into ledger.prunes (id, environment, policy, release, digest, trigger, mode, requested_by, status)
      values ($1, $2, 'books', $3, '', 'request', 'report', 'tester', 'reported')`,
    [prune, environment, release],
  );
  await world.ledger.query(
    `insert into ledger.holds (id, environment, policy, record, reason, placed_by) values ($1, $2, 'books', '1', 'asked', 'tester')`,
    [hold, environment],
  );
  return { environment, promotion, task, backup, prune, hold };
}

/** The path about a place, with everything in it that there is. */
function pathOf({ method, path, access, named }: Operation, place: Place): string {
  const ids: Record<string, string> = { ...place, key: "no-key" };
  const filled = path
    .replace("/environments/{name}", `/environments/${place.environment}`)
    .replace("/people/{name}", `/people/${SUBJECT}`)
    .replace("{hash}", release)
    .replace("{key}", "rehearse/1/report.json")
    .replace("{id}", ids[access.of] ?? "nothing")
    .replaceAll(/\{[a-z]+\}/g, "nothing");
  const query = new URLSearchParams({
    ...(named && { environment: place.environment }),
    // So that nothing waits for news.
    ...(method === "GET" && /\/(wait|events)$/.test(path) && { seconds: "0" }),
  });
  return query.size === 0 ? filled : `${filled}?${query}`;
}

/** Whether it is about the place, or about no environment in particular. */
const isPlaced = ({ access, id, named }: Operation) =>
  ["environment", "promotion", "task", "backup", "prune", "hold"].includes(access.of) ||
  named ||
  id in BODIES;

/** What must come of it: `allowed`, or the status of the refusal. */
function expected(operation: Operation, { role, held }: Caller, target: string): "allowed" | 403 | 404 {
  const { permission, of } = operation.access;
  if (of === "self" || of === "public") return "allowed";
  const has = role !== undefined && HAS[role].includes(permission);
  if (of === "service") return has && held === "*" ? "allowed" : 403;
  if (role === undefined) return of === "somewhere" && !operation.named ? 403 : nowhere(operation);
  const reaches = held === "*" || !isPlaced(operation) || target === "own";
  if (has) return reaches ? "allowed" : 404;
  // What is about no environment is refused for want of the permission; so is what one may at least read.
  return reaches || operation.access.of === "somewhere" ? 403 : 404;
}

/** To somebody without any role nothing is there; what could be anywhere is refused first for being nowhere. */
const nowhere = ({ access }: Operation) => (access.of === "somewhere" ? 403 : 404);

async function refusals(): Promise<number> {
  const [row] = await world.ledger.query<{ count: string }>(
    "select count(*) from ledger.events where type = 'access.refused'",
  );
  return Number(row?.count);
}

async function send(operation: Operation, place: Place, key: string | undefined): Promise<number> {
  const body = BODIES[operation.id]?.(place) ?? {};
  const response = await world.app.request(pathOf(operation, place), {
    method: operation.method,
    headers: {
      ...(key !== undefined && { authorization: `Bearer ${key}` }),
      ...(operation.method !== "GET" && { "content-type": "application/json" }),
    },
    ...(operation.method !== "GET" && { body: JSON.stringify(body) }),
  });
  await response.body?.cancel();
  return response.status;
}

test.each(operations())("$method $path: $access.permission, $access.of", async (operation) => {
  const targets = isPlaced(operation) ? ["own", "other"] : ["own"];
  if (operation.access.of === "environment" && !operation.path.includes("{name}"))
    expect(BODIES, "an operation whose environment is in its body needs one here").toHaveProperty(
      operation.id,
    );
  const seen: Record<string, unknown> = {};
  const should: Record<string, unknown> = {};
  for (const caller of CALLERS)
    for (const target of targets) {
      const place = places[target];
      if (place === undefined) throw new Error(`there is no ${target}`);
      const before = await refusals();
      const status = await send(operation, place, keys.get(caller.name));
      const told = (await refusals()) - before;
      const refused = told > 0 || status === 401 || status === 403 || status === 429;
      const as = `${caller.name} on ${target}`;
      seen[as] = refused ? `${status}, told ${told}` : "allowed";
      const wanted = expected(operation, caller, target);
      should[as] = wanted === "allowed" ? wanted : `${wanted}, told 1`;
    }
  expect(seen).toEqual(should);
});

test.each(operations().filter(({ access }) => access.of !== "public"))(
  "$method $path without a credential, or with a key that nobody has, is turned away",
  async (operation) => {
    const place = places.own;
    if (place === undefined) throw new Error("there is no place");
    expect(await send(operation, place, undefined)).toBe(401);
    expect(await send(operation, place, `rk_${"0".repeat(12)}_${"0".repeat(43)}`)).toBe(401);
  },
);
