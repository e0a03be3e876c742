/** Keys as numbers: which were seen, and what each was given, in a table that grows. */
import { expect, test } from "vitest";
import { KEY_BYTES, KeyNumbers, keyHash } from "../../../../io/store/move/key-numbers.ts";

test("each key has its own number, however often the table has grown, and keys that were never given one have none", () => {
  const numbers = new KeyNumbers();
  for (let key = 1; key <= 5_000; key++) numbers.set(keyHash(`k${key}`), key);
  for (let key = 1; key <= 5_000; key += 7) numbers.set(keyHash(`k${key}`), key * 2);
  for (let key = 1; key <= 5_000; key++)
    expect(numbers.get(keyHash(`k${key}`))).toBe(key % 7 === 1 ? key * 2 : key);
  expect(numbers.get(keyHash("k0"))).toBe(0);
  expect([...numbers.keys()]).toHaveLength(5_000);
});

test("a set tells which keys are new, also of keys that begin at one slot", () => {
  const set = new KeyNumbers({ expected: 10, numbers: false });
  const crowd = Array.from({ length: 40 }, (_, place) => ({ low: 7, high: place + 1 }));
  expect(crowd.map((key) => set.add(key))).toEqual(crowd.map(() => true));
  expect(crowd.map((key) => set.add(key))).toEqual(crowd.map(() => false));
  expect([...set.keys()].map(({ high }) => high).sort((a, b) => a - b)).toEqual(
    crowd.map(({ high }) => high),
  );
});

test("as many keys as were expected take no more memory than is reckoned with, and all is taken at once", () => {
  const before = process.memoryUsage().arrayBuffers;
  const set = new KeyNumbers({ expected: 500_000, numbers: false });
  const made = process.memoryUsage().arrayBuffers - before;
  expect(made).toBeLessThan(500_000 * KEY_BYTES);
  for (let key = 0; key < 500_000; key++) set.add({ low: Math.imul(key, 2_654_435_761) >>> 0, high: key });
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThanOrEqual(made);
});
