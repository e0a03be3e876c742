import { expect, test } from "vitest";
import {
  attemptOf,
  backupFolder,
  exporterOf,
  isAbandoned,
  isForgotten,
  ownerOfScratch,
} from "../../core/leftovers.ts";
import { databaseName } from "../../core/names.ts";

const PROMOTION = "p261121q7d2m0xa";
const TASK = "t261121q7d2m0xa";

test("a database of a promotion's or a task's own use is known by its name, however long, and no other is", () => {
  const long = "é".repeat(30);
  for (const use of ["pristine", "rehearsed", "scratch"] as const)
    for (const name of ["shop", long, `x__pristine_${PROMOTION}_1`])
      for (const attempt of ["1", "12", "r3"])
        expect(ownerOfScratch(databaseName(name, use, `${TASK}_${attempt}`))).toBe(TASK);
  for (const kept of [
    databaseName("shop", "failed", PROMOTION),
    databaseName("shop", "fenced", PROMOTION),
    databaseName("shop", "replaced", TASK),
    `shop__failed_${PROMOTION}`,
    `shop__pristine_${PROMOTION}`,
    `shop__pristine_${PROMOTION}_1 `,
    `shop_pristine_${PROMOTION}_1`,
    "shop__pristine_p261121lllllll1_1",
    "shop__pristine_1",
  ])
    expect(ownerOfScratch(kept)).toBeUndefined();
});

test("a key below a backup's folder tells the backup, and a promotion's backup its attempt", () => {
  expect(backupFolder(`backups/prod/${PROMOTION}-2/1a/data/1.zst`)).toEqual({
    folder: `backups/prod/${PROMOTION}-2/`,
    backup: `${PROMOTION}-2`,
  });
  for (const elsewhere of [
    "releases/x.bundle",
    "backups/prod",
    "backups/prod/x",
    "backups//x/y",
    "x/backups/prod/x/y",
  ])
    expect(backupFolder(elsewhere)).toBeUndefined();
  expect(attemptOf(`${PROMOTION}-12`)).toEqual({ promotion: PROMOTION, step: "back-up", attempt: 12 });
  expect(attemptOf(`${PROMOTION}-fence-2`)).toEqual({ promotion: PROMOTION, step: "fence", attempt: 2 });
  for (const other of ["b261121q7d2m0xa", PROMOTION, `${PROMOTION}-0`, `${PROMOTION}-1-1`, `${PROMOTION}--1`])
    expect(attemptOf(other)).toBeUndefined();
});

test("a key of an export's file tells the task and its attempt", () => {
  expect(exporterOf(`exports/${TASK}/3/files/toc.dat`)).toEqual({ task: TASK, attempt: 3 });
  for (const other of [`exports/${TASK}/listing.json`, "exports/x/1/files/y", `x/exports/${TASK}/1/y`])
    expect(exporterOf(other)).toBeUndefined();
});

test("an upload is abandoned when its owner is over, and a stranger's when it is a day old", () => {
  const now = new Date("2026-11-21T12:00:00Z");
  const hours = (count: number) => new Date(now.getTime() - count * 3_600_000);
  const alive = { ended: false, endedAt: null, overtaken: false };
  expect(isAbandoned(alive, hours(1_000), now)).toBe(false);
  expect(isAbandoned({ ...alive, ended: true }, now, now)).toBe(true);
  expect(isAbandoned({ ...alive, overtaken: true }, now, now)).toBe(true);
  expect(isAbandoned(undefined, hours(23.9), now)).toBe(false);
  expect(isAbandoned(undefined, hours(24.1), now)).toBe(true);
  // A clock that runs ahead of ours has not made it old.
  expect(isAbandoned(undefined, hours(-30), now)).toBe(false);
});

test("a backup that nobody recorded is forgotten a week after its owner's end, and never while that may go on", () => {
  const now = new Date("2026-11-21T12:00:00Z");
  const ended = (days: number) => ({
    ended: true,
    endedAt: new Date(now.getTime() - days * 86_400_000),
    overtaken: true,
  });
  expect(isForgotten(ended(7.1), now)).toBe(true);
  expect(isForgotten(ended(6.9), now)).toBe(false);
  expect(isForgotten({ ended: false, endedAt: null, overtaken: true }, now)).toBe(false);
});
