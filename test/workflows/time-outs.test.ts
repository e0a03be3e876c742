import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { DatabaseAddress } from "../../core/database-url.ts";
import { STEPS } from "../../core/steps.ts";
import { dropDatabases, freshDatabase, newestServer } from "../postgres.ts";
import { contentOf } from "../service/content.ts";
import { type Hook, startHook } from "../service/hook.ts";
import { LocalService } from "../service/local-service.ts";
import { expectPromotedOnce, expectUntouched } from "../service/outcome.ts";
import { OUTSIDE, PROJECT, SCHEMA } from "../service/project.ts";
import type { Detail } from "../service/service.ts";

/** Seconds a function may run here: many times what a step needs, and short enough to be waited for. */
const LIMIT = 6;

const AHEAD = STEPS.slice(0, STEPS.indexOf("put-away"));

describe("fault 2: functions run out of time", () => {
  const server = newestServer();
  const made: DatabaseAddress[] = [];
  let smoke: Hook;
  let service: LocalService;

  beforeAll(async () => {
    smoke = await startHook(() => 500);
    service = await new LocalService(server.address, "time-outs", {
      limits: Object.fromEntries(STEPS.map((step) => [step, { timeoutSeconds: LIMIT }])),
    }).start();
  });

  afterAll(async () => {
    await service.stop();
    await smoke.stop();
    await dropDatabases(...made);
  });

  async function environment(name: string, policy: object = {}): Promise<DatabaseAddress> {
    const address = await freshDatabase(server, SCHEMA, `time_outs_${name}_${process.pid}`);
    made.push(address);
    await service.register(name, address, policy);
    return address;
  }

  /** The steps that ran out of time, by the promotion's own account: an attempt begun and overtaken. */
  function overtaken(details: Detail[]): string[] {
    return details.flatMap(({ steps }) =>
      steps.filter(({ status }) => status === "failed").map(({ step }) => step),
    );
  }

  test("each step once, with its effect done and nothing recorded: asked again, each effect stands once", async () => {
    const release = await service.release({ ...PROJECT, ...OUTSIDE });
    const plain = await environment("plain");
    await service.until(await service.promote("plain", release), "promoted");
    const wanted = await contentOf(plain);
    // Whichever of the promotions comes first to a step is the one that is held up there.
    for (const step of AHEAD) service.gate(`${step}:effect`);
    const names = ["first", "second", "third", "fourth"];
    const addresses = await Promise.all(names.map((name) => environment(name)));
    const ids = await Promise.all(names.map((name) => service.promote(name, release)));
    const details = await Promise.all(ids.map((id) => service.until(id, "promoted")));
    for (const [index, detail] of details.entries())
      await expectPromotedOnce(service, detail, addresses[index] ?? plain, wanted);
    expect(overtaken(details).sort()).toEqual([...AHEAD].sort());
  }, 90_000);

  test("each step of the way back once: production is what it was", async () => {
    for (const step of ["refuse", "roll-back"]) service.gate(`${step}:effect`);
    const back = await environment("back", { hooks: { smoke: smoke.url } });
    const refused = await environment("refused");
    const before = await contentOf(back);
    const good = await service.release({ ...PROJECT, ...OUTSIDE });
    const bad = await service.release({ ...PROJECT, "migrations/0003_bad.sql": "select 1 / 0;" });
    const [backId, refusedId] = [await service.promote("back", good), await service.promote("refused", bad)];
    const details = [await service.until(backId, "rolled-back"), await service.until(refusedId, "refused")];
    await expectUntouched(service, details[0] as Detail, back, before, [
      expect.stringContaining(`__failed_${backId}`),
    ]);
    made.push({ ...back, database: `${back.database}__failed_${backId}` });
    await expectUntouched(service, details[1] as Detail, refused, before);
    expect(overtaken(details).sort()).toEqual(["refuse", "rehearse", "roll-back", "verify"]);
  }, 90_000);
});
