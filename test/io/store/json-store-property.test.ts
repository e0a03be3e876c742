/** The JSON store against a plain model of it: alone, by turns of several who have it open, and by processes that are killed. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openBucketPlace } from "../../../io/store/bucket-place.ts";
import { openFolderPlace } from "../../../io/store/folder-place.ts";
import { type JsonStore, openJsonStore } from "../../../io/store/json-store.ts";
import type { Place } from "../../../io/store/place.ts";
import { startBucket, type TestBucket } from "../../bucket.ts";
import { audited } from "./audit.ts";
import { DEFINITION as definition } from "./definition.ts";
import { type Asked, PlainStore } from "./plain-store.ts";
import { ask, transactions } from "./random-transactions.ts";
import { StoreWorker } from "./store-worker.ts";

/** 1,000 and more by hand. */
const RUNS = Number(process.env.REHEARSAL_STORE_RUNS ?? 8);
const PATIENCE = { timeout: 60_000 + RUNS * 3_000 };

let bucket: TestBucket;
let top: string;
let runs = 0;
beforeAll(async () => {
  top = await mkdtemp(join(tmpdir(), "rehearsal-store-"));
  bucket = await startBucket();
});
afterAll(async () => {
  await bucket.stop();
  await rm(top, { recursive: true, force: true });
});

/** A place of its own for each run; how people write it. */
const PLACES = {
  folder: () => join(top, String(++runs)),
  bucket: () => `s3://tests/stores/${++runs}`,
};

async function place(at: string): Promise<Place> {
  const [, prefix] = /^s3:\/\/tests\/(.*)$/.exec(at) ?? [];
  return prefix === undefined ? openFolderPlace(at) : openBucketPlace({ bucket: "tests", prefix });
}

describe.each(Object.entries(PLACES))("in a %s", PATIENCE, (_, fresh) => {
  test("every transaction answers as the model does, whoever of three asks it, and the files are what the head says", async () => {
    await fc.assert(
      fc.asyncProperty(transactions, fc.array(fc.nat(2), { minLength: 1 }), async (all, turns) => {
        const at = fresh();
        const open = async (cacheBytes: number) =>
          openJsonStore({ place: await place(at), definition, create: "canonical", cacheBytes });
        // One has hardly any room, one is opened anew each time.
        const stores: JsonStore[] = [await open(1024 ** 2), await open(2000), await open(1024 ** 2)];
        const model = new PlainStore(definition);
        for (const [turn, asked] of all.entries()) {
          const who = turns[turn % turns.length] ?? 0;
          if (who === 2) {
            await stores[2]?.close();
            stores[2] = await open(1024 ** 2);
          }
          expect(await ask(stores[who] as JsonStore, asked)).toEqual(model.transaction(asked));
        }
        for (const store of stores) await expectSame(store, model);
        await stores[0]?.settle();
        const held = await place(at);
        await audited(held, definition);
        await held.close();
        for (const store of stores) await store.close();
      }),
      { numRuns: RUNS },
    );
  });

  test("two processes that write at once, and are killed, leave one order in which all of it happened", async () => {
    const workers = [new StoreWorker(), new StoreWorker()];
    try {
      await fc.assert(
        fc.asyncProperty(
          transactions,
          transactions,
          fc.option(fc.nat(60)),
          fc.nat(1),
          async (some, others, killAt, victim) => {
            const at = fresh();
            await (await openJsonStore({ place: await place(at), definition, create: "canonical" })).close();
            const work = [some, others];
            const done = await Promise.all(
              workers.map((worker, who) =>
                worker.run({ at, who, work: work[who] ?? [], killAt: who === victim ? killAt : null }),
              ),
            );
            const store = await openJsonStore({ place: await place(at), definition });
            const model = new PlainStore(definition);
            const log: Asked[][] = [];
            const prefixes = [new PlainStore(definition)];
            for (const { what } of (await store.list("Log", {})).rows) {
              const [who, nth] = JSON.parse(String(what)) as [number, number];
              const asked = logged(work[who]?.[nth] ?? [], log.length + 1, String(what));
              const outcome = model.transaction(asked);
              log.push(asked);
              const prefix = new PlainStore(definition);
              for (const one of log) prefix.transaction(one);
              prefixes.push(prefix);
              // Whoever was killed may not have told what it was answered.
              const told = done[who]?.[nth];
              if (told !== undefined) expect(outcome).toEqual(told);
              else expect(who).toBe(victim);
              expect(outcome).not.toHaveProperty("refused");
            }
            const committed = new Set(log.map((asked) => JSON.stringify(asked.at(-1))));
            for (const [who, outcomes] of done.entries())
              for (const [nth, outcome] of outcomes.entries()) {
                const asked = work[who]?.[nth] ?? [];
                // What was refused would have been, at some moment.
                if ("refused" in outcome)
                  expect(prefixes.map((prefix) => prefix.would(asked))).toContainEqual(outcome);
                else {
                  const what = JSON.stringify([who, nth]);
                  expect([...committed].filter((one) => one.includes(JSON.stringify(what)))).toHaveLength(1);
                }
              }
            await expectSame(store, model);
            await store.settle();
            await audited(store.place, definition);
            await store.close();
          },
        ),
        { numRuns: Math.ceil(RUNS / 2) },
      );
    } finally {
      for (const worker of workers) worker.stop();
    }
  });
});

/** The transaction's own line is its last one, so that the order can be told. */
function logged(asked: readonly Asked[], number: number, what: string): Asked[] {
  return [...asked, { ask: "append", model: "Log", row: { number, what } }];
}

async function expectSame(store: JsonStore, model: PlainStore): Promise<void> {
  for (const { name } of definition.models) {
    expect((await store.list(name, {})).rows).toEqual(model.rows(name));
    expect(await store.count(name)).toBe(model.rows(name).length);
  }
}
