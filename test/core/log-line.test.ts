import { expect, test } from "vitest";
import { harmlessJson, logLine, withoutSecrets } from "../../core/log-line.ts";

test("abuse 37: a line stays one line whatever was sent, and says the same to whoever parses it", () => {
  const told = { path: "a\r\nb\u001b[2J\u202ec\u2028d\u0085e" };
  const line = logLine(told);
  expect(line).not.toMatch(/[\p{Cc}\p{Bidi_Control}\u2028\u2029]/u);
  expect(JSON.parse(line)).toEqual(told);
  expect(harmlessJson(line)).toBe(line);
});

test("abuse 35: what is a secret by its name or by its looks is not in a line", () => {
  const shown = (told: object) => JSON.stringify(told, withoutSecrets);
  const key = `rk_ab12_${"x".repeat(43)}`;
  const token = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJl";
  const line = shown({
    reason: `could not reach postgresql://owner:hunter2@db.example:5432/app with ${key}`,
    odd: "postgres://owner:hunter2/very@more:hunter2@db.example/app",
    header: `Authorization: Bearer ${token}`,
    url: "https://b.s3.amazonaws.com/k?X-Amz-Signature=hunter2&X-Amz-Credential=hunter2",
    nested: { password: "hunter2", Authorization: "hunter2", tokens: "hunter2" },
    stack: `Error: ${token}\n    at x`,
  });
  for (const secret of ["hunter2", key, token]) expect(line).not.toContain(secret);
  expect(line).toContain("postgresql://owner:…@db.example:5432/app");
  expect(line).toContain("rk_ab12_…");
});

test("what is no secret is told as it is", () => {
  const told = {
    key: "backups/prod/backup-1/manifest.json",
    path: "/promotions/p1",
    url: "https://db.example:5432/path",
    at: "2026-01-01T00:00:00.000Z",
    address: "postgresql://owner@db.example/app",
    count: 3,
  };
  expect(JSON.parse(JSON.stringify(told, withoutSecrets))).toEqual(told);
});
