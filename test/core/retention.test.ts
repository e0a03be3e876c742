/** How long backups are kept: what outlives its date, and why. */
import { expect, test } from "vitest";
import { judgeBackups, type Keepable, retainUntil } from "../../core/retention.ts";

const NOW = new Date("2026-11-21T12:00:00Z");
const hour = (number: number) => new Date(NOW.getTime() + number * 3_600_000);

/** One whose time is over, taken so many hours ago. */
function over(id: string, hoursAgo: number, rest: Partial<Keepable> = {}): Keepable {
  return {
    id,
    environment: "prod",
    takenAt: hour(-hoursAgo),
    retainUntil: hour(-1),
    verified: false,
    held: false,
    usedBy: null,
    builtOn: [],
    ...rest,
  };
}

function judged(backups: Keepable[], keepVerified = 1): Record<string, string | null> {
  return Object.fromEntries(
    judgeBackups(backups, NOW, () => keepVerified).map(({ id, because }) => [id, because]),
  );
}

test("a backup goes when its date has come, and not a moment before", () => {
  expect(
    judged([
      over("old", 9),
      over("now", 8, { retainUntil: NOW }),
      over("young", 7, { retainUntil: hour(1) }),
    ]),
  ).toEqual({ old: null, now: null, young: "its time is not over" });
});

test("what is held or used outlives its date", () => {
  expect(judged([over("a", 9, { held: true }), over("b", 8, { usedBy: "promotion p1" })])).toEqual({
    a: "it is held",
    b: "promotion p1 needs it",
  });
});

test("the newest verified of each environment stay, as many as the policy says", () => {
  const backups = [
    over("oldest", 9, { verified: true }),
    over("newest", 7, { verified: true }),
    over("unverified", 6),
    over("other", 5, { verified: true, environment: "dev" }),
  ];
  const stays = "it is the environment's newest verified one";
  expect(judged(backups)).toEqual({ oldest: null, newest: stays, unverified: null, other: stays });
  expect(judged(backups, 2)).toMatchObject({ oldest: stays, newest: stays });
  expect(Object.values(judged(backups, 0))).toEqual([null, null, null, null]);
});

test("a chain stays as long as its last link, and goes with it", () => {
  const chain = (held: boolean) => [
    over("full", 9),
    over("second", 8, { builtOn: ["full"] }),
    over("third", 7, { builtOn: ["second", "full"], held }),
    over("alone", 6),
  ];
  expect(judged(chain(true))).toEqual({
    full: "second is built on it",
    second: "third is built on it",
    third: "it is held",
    alone: null,
  });
  expect(Object.values(judged(chain(false)))).toEqual([null, null, null, null]);
});

test("bases are judged after what is built on them, whatever the order they come in", () => {
  const backups = [over("a", 9), over("b", 8, { builtOn: ["a"], retainUntil: hour(1) })];
  for (const order of [backups, backups.toReversed()])
    expect(judged(order)).toEqual({ a: "b is built on it", b: "its time is not over" });
});

test("days are counted from the snapshot", () => {
  expect(retainUntil(NOW, 30).toISOString()).toBe("2026-12-21T12:00:00.000Z");
});
