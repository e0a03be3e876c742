import { expect, test } from "vitest";
import { callHook } from "../../io/hooks.ts";

test("abuse 35: a hook that cannot be called is told without its password and token", async () => {
  const about = { promotion: "p", environment: "e", release: "r" };
  const called = callHook("stop", "http://user:s3cret@127.0.0.1:9/x?token=t0k", about);
  const error: Error & { facts?: object } = await called.then(
    () => new Error("it was called"),
    (refusal) => refusal,
  );
  expect(error).toMatchObject({ code: "HookFailed" });
  expect(`${error.message} ${JSON.stringify(error.facts)}`).not.toMatch(/s3cret|t0k/);
});
