/** The costs' arithmetic, held to sums done by hand. */
import { expect, test } from "vitest";
import { costOf, idleCosts } from "../../docs/costs.ts";

test("one GB on Lambda: 85.2 s of 2 GB, 84 objects, 30 transitions, 385.2 s of half an ACU", () => {
  const { seconds, compute, parts, keptMonth, zones } = costOf(1);
  expect({ seconds, compute }).toEqual({ seconds: 85.2, compute: "Lambda" });
  expect(parts.compute).toBeCloseTo(0.002272, 6);
  expect(parts.requests).toBeCloseTo(0.0004536, 7);
  expect(parts.workflow).toBeCloseTo(0.00075, 6);
  expect(parts.control).toBeCloseTo(0.00642, 5);
  expect(keptMonth).toBeCloseTo(0.0046, 6);
  expect(zones).toBeCloseTo(0.04, 6);
});

test("what no function can restore in its time runs in the container, and is paid by the hour", () => {
  expect(costOf(59).compute).toBe("Lambda");
  expect(costOf(61).compute).toBe("Fargate");
  // 7 h of two processors and 4 GB.
  expect(costOf(1000).parts.compute).toBeCloseTo(7.0167 * 0.079, 2);
});

test("a month of nothing is the sum of what is there, and less when the clock wakes nobody", () => {
  const sum = (wakes?: number) => idleCosts(wakes).reduce((all, [, dollars]) => all + dollars, 0);
  expect(sum(1)).toBeLessThan(sum(24));
  expect(sum(24) - sum(0)).toBeCloseTo(64 * 0.5 * 0.12, 5);
});
