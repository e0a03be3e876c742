/** Addresses: what a URL says is what is stored, and what it cannot mean is refused before anybody connects. */
import { expect, test } from "vitest";
import { databaseUrl, parseDatabaseUrl } from "../../core/database-url.ts";
import { refusalOf } from "../refusal.ts";

test.each([
  "postgresql://app:p%40ss%2F@db.example.org:5432/main?sslmode=require",
  "postgresql://app:p@[::1]:5433/a%20b?sslmode=disable",
  "postgresql://app:p@db.example.org:5432/main?sslmode=verify-full&sslrootcert=%2Fetc%2Fca%20bundle.pem",
  "postgresql://app:p@db.example.org:5432/main?sslmode=require&channel_binding=require",
  "postgresql://app@db.example.org:5432/main?sslmode=verify-full&auth=iam&region=eu-central-1",
  "postgresql://copier:p@db.example.org:5432/main?sslmode=require&role=the%20owner",
])("%s is stored as it was given", (url) => {
  expect(databaseUrl(parseDatabaseUrl(url))).toBe(url);
});

test("certificates are verified unless the URL says otherwise, and what a URL need not say is left out", () => {
  const plain = { host: "h", port: 5432, database: "d", user: "u", sslmode: "verify-full" };
  expect(parseDatabaseUrl("postgres://u@h/d")).toEqual(plain);
  expect(
    parseDatabaseUrl("postgres://u@h/d?sslrootcert=system&channel_binding=prefer&auth=password"),
  ).toEqual(plain);
});

test("the region of a token is told by the name of an RDS server", () => {
  const of = (host: string) => parseDatabaseUrl(`postgres://u@${host}/d?auth=iam`).iam?.region;
  expect(of("main.abc123.eu-central-1.rds.amazonaws.com")).toBe("eu-central-1");
  expect(of("main.cluster-abc123.us-gov-west-1.rds.amazonaws.com")).toBe("us-gov-west-1");
  expect(of("main.abc123.cn-north-1.rds.amazonaws.com.cn")).toBe("cn-north-1");
});

test.each([
  ["u:secret@h/d?role=none", "names nobody"],
  ["u:secret@h/d?sslmode=prefer", "disable, require and verify-full are known"],
  ["u:secret@h/d?sslrootcert=/ca.pem&sslmode=require", "only with sslmode=verify-full"],
  ["u:secret@h/d?channel_binding=require&sslmode=disable", "needs TLS"],
  ["u:secret@h/d?channel_binding=always", "require, prefer and disable are known"],
  ["u:secret@h/d?auth=iam&region=eu-central-1", "it must have no password"],
  ["u@h/d?auth=iam", "needs the region"],
  ["u@h/d?auth=iam&region=eu%20central", "needs the region"],
  ["u@h/d?auth=iam&region=eu-central-1&sslmode=require", "needs sslmode=verify-full"],
  ["u:secret@h/d?region=eu-central-1", "only with auth=iam"],
  ["u:secret@h/d?auth=kerberos", "password and iam are known"],
  ["u:secret@h/d?options=-csearch_path%3Dx", '"options" is not known'],
  ["u:secret@h/d?sslmode=disable&sslmode=verify-full", "it says sslmode twice"],
])("postgresql://%s is refused, and its password is not repeated", async (rest, reason) => {
  const refused = await refusalOf(() => parseDatabaseUrl(`postgresql://${rest}`));
  expect(refused).toMatchObject({ code: "InputInvalid", hint: expect.stringContaining("correct the named") });
  expect(refused.message).toContain(reason);
  expect(JSON.stringify(refused)).not.toContain("secret@");
});
