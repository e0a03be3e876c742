import { afterAll, beforeAll, expect, test } from "vitest";
import { commitTurn } from "../../functions/commit-turn.ts";
import { refusalOf } from "../refusal.ts";
import { openWorld, registerFresh, uploadRelease, type World } from "./world.ts";

let world: World;

beforeAll(async () => {
  world = await openWorld();
});

afterAll(async () => {
  await world.close();
});

test("a promotion is begun behind the commit of an import's batch or ahead of it, never between its last look and the commit", async () => {
  const release = await uploadRelease(world);
  await registerFresh(world, "legacy");
  const turn = commitTurn(world.ledger, "legacy");
  await turn.take();
  // Of another part of the same batch.
  await turn.take();
  let answered = false;
  const begun = world.call("POST", "/promotions", { environment: "legacy", release }).finally(() => {
    answered = true;
  });
  await expect
    .poll(() =>
      world.ledger.query(
        `select 1 from pg_locks l join pg_database d on d.oid = l.database
          where d.datname = current_database() and locktype = 'advisory' and not granted`,
      ),
    )
    .toHaveLength(1);
  expect(answered).toBe(false);
  await turn.give();
  expect((await begun).status).toBeLessThan(300);
  const refused = await refusalOf(() => turn.take());
  expect([refused.code, refused.hint]).toEqual(["EnvironmentLocked", expect.stringMatching(/./)]);
  await turn.give();
});
