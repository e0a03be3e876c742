/** Cancelling and rolling back over the API: heeded where a step will heed them, refused where none would. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Step } from "../../core/steps.ts";
import { updatePromotion } from "../../io/ledger/promotions.ts";
import { ask, end, play, type Started, start } from "./course.ts";
import { openWorld, registerFresh, uploadRelease, type World } from "./world.ts";

let world: World;
let release: string;

beforeAll(async () => {
  world = await openWorld();
  release = await uploadRelease(world);
});

afterAll(async () => {
  await world.close();
});

let made = 0;

async function begun(role: "dev" | "prod" = "dev"): Promise<{ id: string; environment: string }> {
  const environment = `ending-${++made}`;
  await registerFresh(world, environment, { role, policy: { decision: "approval" } });
  const { id } = await start(world, environment, release);
  return { id, environment };
}

const cancel = (id: string) => world.call<Started>("POST", `/promotions/${id}/cancel`);
const rollBack = (id: string, body: object = {}) => world.call("POST", `/promotions/${id}/rollback`, body);
const show = async (id: string) =>
  (await world.call<Started & { approval: { status: string } }>("GET", `/promotions/${id}`)).body;

describe("cancelling", () => {
  test("before and while it rehearses is asked for, and the next step heeds it", async () => {
    const { id } = await begun();
    expect(await cancel(id)).toMatchObject({ status: 202, body: { asked: "cancel" } });
    const later = await begun();
    await play(world, later.id, "admit");
    await play(world, later.id, "rehearse", "running");
    expect(await cancel(later.id)).toMatchObject({ status: 202, body: { asked: "cancel" } });
    expect((await cancel(later.id)).status).toBe(202);
  });

  test("while it waits for an approval ends the wait", async () => {
    const { id } = await begun();
    await ask(world, id);
    expect((await cancel(id)).status).toBe(202);
    expect(await world.execution(id)).toMatchObject({ status: "FAILED", error: "Cancelled" });
    expect(await show(id)).toMatchObject({ asked: "cancel", approval: { status: "cancelled" } });
    expect((await cancel(id)).status).toBe(202);
    const { body } = await world.call("POST", `/promotions/${id}/approve`, {});
    expect([body.code, body.detail]).toEqual([
      "ApprovalNotWanted",
      expect.stringContaining("cancelled already"),
    ]);
  });

  test.each<Step>(["decide", "fence", "migrate", "open"])(
    "after %s was begun comes too late",
    async (step) => {
      const { id } = await begun();
      await play(world, id, "admit");
      await play(world, id, "decide");
      await play(world, id, step, "running");
      const { status, body } = await world.call("POST", `/promotions/${id}/cancel`);
      expect([status, body.code]).toEqual([409, "CancelTooLate"]);
      expect(body.facts).toEqual({ promotion: id, step });
      expect(body.hint).toContain("rehearsal rollback");
      expect(await show(id)).toMatchObject({ asked: null });
    },
  );

  test("after its end comes too late", async () => {
    const { id } = await begun();
    await end(world, id, "promoted");
    expect((await world.call("POST", `/promotions/${id}/cancel`)).body.code).toBe("CancelTooLate");
  });
});

describe("rolling back", () => {
  test("a held one starts an execution of its own, once for each time it is held", async () => {
    const { id } = await begun();
    const hold = async () => {
      await play(world, id, "hold");
      await updatePromotion(world.ledger, id, { status: "held" });
    };
    await play(world, id, "migrate", "failed");
    await hold();
    expect(await rollBack(id)).toMatchObject({ status: 202, body: { status: "running", asked: null } });
    expect((await world.execution(`${id}-rollback-1`, world.rollbackMachine)).status).toBe("RUNNING");
    // The request may have died before the execution was started: repeating it finds the same one.
    expect((await rollBack(id)).status).toBe(202);
    expect(await world.executions(world.rollbackMachine)).toHaveLength(1);
    await play(world, id, "roll-back", "failed");
    await hold();
    expect((await rollBack(id)).status).toBe(202);
    expect((await world.execution(`${id}-rollback-2`, world.rollbackMachine)).status).toBe("RUNNING");
    await play(world, id, "roll-back", "running");
    expect((await rollBack(id)).body.code).toBe("RollbackNotPossible");
  });

  test.each<Step>(["fence", "migrate"])("while %s runs is asked for, and verify heeds it", async (step) => {
    const { id } = await begun();
    await play(world, id, "decide");
    await play(world, id, step, "running");
    expect(await rollBack(id)).toMatchObject({
      status: 202,
      body: { status: "running", asked: "roll-back" },
    });
  });

  test.each<Step>(["admit", "rehearse", "verify", "open"])("at %s is refused", async (step) => {
    const { id } = await begun();
    await play(world, id, step, "running");
    const { status, body } = await rollBack(id);
    expect([status, body.code]).toEqual([409, "RollbackNotPossible"]);
    expect(body.detail).toContain(`at ${step}`);
    expect(body.hint).toContain("promote a release that goes back");
    expect(await show(id)).toMatchObject({ asked: null });
  });

  test("of prod wants the environment's name said once more", async () => {
    const { id, environment } = await begun("prod");
    await play(world, id, "hold");
    await updatePromotion(world.ledger, id, { status: "held" });
    const missing = await rollBack(id);
    expect([missing.status, missing.body.code]).toEqual([422, "ConfirmationMissing"]);
    expect(missing.body.hint).toBe(`say its name: --confirm ${environment}`);
    const other = await rollBack(id, { confirm: "staging" });
    expect(other.body.detail).toContain('"staging" is not the environment');
    expect(await show(id)).toMatchObject({ status: "held" });
    expect((await rollBack(id, { confirm: environment })).status).toBe(202);
  });

  test("of what has ended well is refused", async () => {
    const { id } = await begun();
    await end(world, id, "promoted");
    expect((await rollBack(id)).body).toMatchObject({
      code: "RollbackNotPossible",
      detail: expect.stringContaining("promoted"),
    });
  });
});
