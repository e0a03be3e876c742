/** What travels from a step is small, and what was cut of it lies in the bucket. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { RehearsalError } from "../../core/errors.ts";
import { CARRIED, carriedError, carriedOutcome } from "../../functions/carried.ts";
import { startBucket, type TestBucket } from "../bucket.ts";

let bucket: TestBucket;

beforeAll(async () => {
  bucket = await startBucket();
});

afterAll(() => bucket.stop());

const bytes = (value: unknown) => Buffer.byteLength(JSON.stringify(value));

const read = async (key: string): Promise<unknown> => JSON.parse((await bucket.store.get(key)).toString());

test("what is small travels as it is, and nothing is written", async () => {
  const outcome = { pending: 3, unguarded: ["a/"] };
  expect(await carriedOutcome(bucket.store, "small/", outcome)).toBe(outcome);
  const error = new RehearsalError("Cancelled", { by: "somebody" });
  expect(await carriedError(bucket.store, "small/", error)).toBe(error);
  expect(await bucket.keys("small/")).toEqual([]);
});

test("fault 10: a large outcome keeps what the machine chooses by, and points to the whole", async () => {
  const outcome = {
    more: true,
    pending: 0,
    ended: "promoted",
    message: "😀".repeat(100_000),
    lists: Array.from({ length: 5_000 }, (_, n) => ({ n, words: Array(50).fill("word") })),
  };
  const carried = await carriedOutcome(bucket.store, "large/", outcome);
  expect(bytes(carried)).toBeLessThan(CARRIED + 300);
  expect(carried).toMatchObject({
    ...{ more: true, pending: 0, ended: "promoted" },
    message: expect.stringMatching(/… \(200000 characters\)$/),
    whole: { key: "large/outcome.json", sha256: expect.stringMatching(/^[0-9a-f]{64}$/) },
  });
  // No half of a letter, which a database would not take.
  expect(JSON.stringify(carried).isWellFormed()).toBe(true);
  expect(await read("large/outcome.json")).toEqual({ outcome });
});

test("fault 10: a large error keeps its code and the hint, and is whole in the bucket", async () => {
  const tables = Array.from({ length: 5_000 }, (_, n) => `"public"."${"t".repeat(55)}${n}"`).join(", ");
  const error = new RehearsalError("KeptDataChanged", { differences: `rows were written to ${tables}` });
  const carried = await carriedError(bucket.store, "error/", error);
  expect(carried).toBeInstanceOf(RehearsalError);
  expect(carried).toMatchObject({ name: "KeptDataChanged", code: "KeptDataChanged", hint: error.hint });
  const { message, stack } = carried as RehearsalError;
  expect(Buffer.byteLength(message) + Buffer.byteLength(stack ?? "")).toBeLessThan(CARRIED);
  expect(message).toContain(`"public"."${"t".repeat(55)}0"`);
  expect(await read("error/error.json")).toMatchObject({ code: "KeptDataChanged", message: error.message });
});

test("an error is told though the bucket takes nothing of it", async () => {
  const error = new RehearsalError("KeptDataChanged", { differences: "x".repeat(100_000) });
  const away = {
    ...bucket.store,
    putOnce: async () => {
      throw new RehearsalError("ObjectForbidden", { bucket: "tests", key: "k", reason: "denied" });
    },
  };
  expect(await carriedError(away, "away/", error)).toMatchObject({ code: "KeptDataChanged" });
});
