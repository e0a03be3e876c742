/** How a promotion must have left everything, whatever happened on its way. */
import { expect } from "vitest";
import type { DatabaseAddress } from "../../core/database-url.ts";
import { isEnded, type Status } from "../../core/steps.ts";
import { rows } from "../postgres.ts";
import { contentOf } from "./content.ts";
import type { Detail, Service } from "./service.ts";

type Content = Awaited<ReturnType<typeof contentOf>>;

/** The log holds, the environment is free, and of the promotion's own databases only those named are left. */
export async function expectSettled(service: Service, detail: Detail, left: string[] = []): Promise<void> {
  expect(isEnded(detail.status as Status)).toBe(true);
  expect(detail.steps.filter((step) => step.status === "running")).toEqual([]);
  const databases = await rows<{ datname: string }>(
    service.server,
    "select datname from pg_database where strpos(datname, $1) > 0",
    [detail.id],
  );
  expect(databases.map(({ datname }) => datname)).toEqual(left);
  expect(await service.must("GET", "/log/verify")).not.toHaveProperty("broken");
}

/** Promoted to exactly `wanted`, each file applied once, and every step counted as done once. */
export async function expectPromotedOnce(
  service: Service,
  detail: Detail,
  address: DatabaseAddress,
  wanted: Content,
): Promise<void> {
  expect(detail.status).toBe("promoted");
  expect(await contentOf(address)).toEqual(wanted);
  expect(await rows(address, "select state, promotion from rehearsal.identity")).toEqual([
    { state: "canonical", promotion: null },
  ]);
  const done = detail.steps.filter((step) => step.status === "succeeded").map((step) => step.step);
  expect(done.filter((step) => step !== "decide")).toEqual(
    [...new Set(done)].filter((step) => step !== "decide"),
  );
  await expectEvents(service, detail.id, {
    "migrate.done": 1,
    "promotion.succeeded": 1,
    "promotion.sealed": 1,
  });
  await expectSettled(service, detail);
}

/** Production is what it was, and open to writers under its own name. */
export async function expectUntouched(
  service: Service,
  detail: Detail,
  address: DatabaseAddress,
  before: Content,
  left: string[] = [],
): Promise<void> {
  expect(await contentOf(address)).toEqual(before);
  expect(
    await rows(
      address,
      "select promotion, (select count(*)::int from rehearsal.applied where promotion = $1) as applied from rehearsal.identity",
      [detail.id],
    ),
  ).toEqual([{ promotion: null, applied: 0 }]);
  expect(await rows(address, "select current_setting('default_transaction_read_only') as ro")).toEqual([
    { ro: "off" },
  ]);
  await expectSettled(service, detail, left);
}

/** How often the log tells of each. */
export async function expectEvents(
  service: Service,
  id: string,
  counts: Record<string, number>,
): Promise<void> {
  const types = await eventTypes(service, id);
  const found = Object.keys(counts).map((type) => [type, types.filter((one) => one === type).length]);
  expect(Object.fromEntries(found)).toEqual(counts);
}

export async function eventTypes(service: Service, id: string): Promise<string[]> {
  const { entries } = await service.must<{ entries: { body: string }[] }>(
    "GET",
    `/promotions/${id}/log?limit=200`,
  );
  return entries.map(({ body }) => (JSON.parse(body) as { type: string }).type);
}
