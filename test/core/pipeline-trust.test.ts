/** Patterns of refs, on plain values. */
import { expect, test } from "vitest";
import { matches } from "../../core/pipeline-trust.ts";

test.each([
  ["refs/heads/main", "refs/heads/main", true],
  ["refs/heads/main", "refs/heads/main2", false],
  ["refs/heads/main", "x/refs/heads/main", false],
  ["refs/heads/main", "refs/heads/main\n", false],
  ["refs/heads/*", "refs/heads/feature", true],
  ["refs/heads/*", "refs/heads/feature/one", false],
  ["refs/heads/*", "refs/heads/", false],
  ["refs/heads/**", "refs/heads/feature/one", true],
  ["refs/heads/**", "refs/tags/one", false],
  ["refs/pull/*/merge", "refs/pull/7/merge", true],
  ["refs/pull/*/merge", "refs/pull/7/8/merge", false],
  ["refs/tags/v*", "refs/tags/v1.2.3", true],
  ["refs/tags/v1.2", "refs/tags/v1x2", false],
  ["o/r/.github/workflows/x.yml@refs/heads/a+b(c)", "o/r/.github/workflows/x.yml@refs/heads/a+b(c)", true],
  ["refs/heads/release-*", "refs/heads/release-2026", true],
])("the pattern %j and %j: %s", (pattern, text, fits) => {
  expect(matches(pattern, text)).toBe(fits);
});

test("nothing fits what is not there", () => {
  expect(matches("refs/**", undefined)).toBe(false);
});
