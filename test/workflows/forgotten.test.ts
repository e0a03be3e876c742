/** Step Functions has lost an execution, with all that it knew: the ledger has not. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { DatabaseAddress } from "../../core/database-url.ts";
import { dropDatabases, freshDatabase, newestServer, rows } from "../postgres.ts";
import { expectEvents, expectSettled } from "../service/outcome.ts";
import { OUTSIDE, PROJECT, SCHEMA } from "../service/project.ts";
import { Service } from "../service/service.ts";

const server = newestServer();
let service: Service;
let address: DatabaseAddress;

beforeAll(async () => {
  service = await new Service(server.address, "forgotten").start();
  address = await freshDatabase(server, SCHEMA, `forgotten_${process.pid}`);
  await service.register("prod", address);
});

afterAll(async () => {
  await service.stop();
  await dropDatabases(address);
});

test("fault 42: Step Functions knows nothing of an execution whose migrations the ledger has: it is begun again, and each effect stands once", async () => {
  service.killAt("verify:begun");
  const id = await service.promote("prod", await service.release({ ...PROJECT, ...OUTSIDE }));
  expect(await service.ended()).toBe("SIGKILL");
  rmSync(join(service.folder, "step-functions"), { recursive: true });
  await service.start();
  const detail = await service.until(id, "promoted");
  expect(await rows(address, "select count(*)::int as n from rehearsal.applied")).toEqual([{ n: 4 }]);
  await expectEvents(service, id, { "migrate.done": 1, "promotion.succeeded": 1, "promotion.sealed": 1 });
  await expectSettled(service, detail);
  // A decision holds a token of its execution, so it is asked for again; nothing else that was done is.
  expect(detail.steps.filter(({ attempt }) => attempt > 1).map(({ step }) => step)).toEqual([
    "decide",
    "verify",
  ]);
});
