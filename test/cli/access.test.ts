/** The command on people and keys: who one is, who may what, and keys that are told once. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { expiryOf, grantsOf } from "../../cli/access-text.ts";
import { KEY, registerFresh } from "../api/world.ts";
import { type CommandWorld, openCommandWorld } from "./command.ts";
import { runHere } from "./run-here.ts";

let world: CommandWorld;

/** Runs the command with the tester's key, or another. */
const command = (words: string[], key = KEY) =>
  runHere(words, { REHEARSAL_URL: world.url, REHEARSAL_KEY: key });

const commandJson = async <T>(words: string[], key = KEY): Promise<T> =>
  JSON.parse((await command([...words, "--json"], key)).out) as T;

beforeAll(async () => {
  world = await openCommandWorld();
  await registerFresh(world, "dev");
});

afterAll(async () => {
  await world.close();
});

describe("whoami", () => {
  test("tells the person, the credential and the roles", async () => {
    const { exit, out } = await command(["whoami"]);
    expect([exit, out]).toEqual([0, "person:      tester\ncredential:  key tester\nroles:       *=admin\n"]);
  });
});

describe("a person", () => {
  test("is added, given roles, listed, disabled; and a key made for them speaks as they do", async () => {
    const added = await command(["person", "add", "promoter", "dev=promoter"]);
    expect([added.exit, added.out]).toEqual([
      0,
      "person:  promoter\nroles:   dev=promoter\n" +
        "give them a key with: rehearsal key create --person promoter --label …\n",
    ]);
    const made = await commandJson<{ id: string; key: string }>([
      ...["key", "create", "--label", "laptop", "--person", "promoter", "--scope", "dev=viewer"],
      ...["--expires", "30d"],
    ]);
    const who = await commandJson<object>(["whoami"], made.key);
    expect(who).toMatchObject({ person: "promoter", grants: [{ environment: "dev", role: "viewer" }] });
    const refused = await command(["person", "list"], made.key);
    expect(refused.exit).toBe(2);
    expect(refused.err).toContain("code:  Forbidden");
    expect(refused.err).toContain("rehearsal whoami");

    const roles = await command(["person", "roles", "promoter", "dev=approver", "*=viewer"]);
    expect(roles.out).toContain("roles:   *=viewer, dev=approver");
    expect((await command(["person", "roles", "promoter"])).exit).toBe(2);
    const disabled = await command(["person", "disable", "promoter"]);
    expect(disabled.out).toContain("disabled:");
    expect((await command(["whoami"], made.key)).err).toContain("code:  Unauthorized");
    await command(["person", "enable", "promoter"]);
    const list = await command(["person", "list"]);
    expect(list.out).toContain("promoter    *=viewer, dev=approver");

    const keys = await command(["key", "list", "--person", "promoter"]);
    expect(keys.out).toContain(made.id);
    expect(keys.out).toContain("laptop");
    expect(keys.out).not.toContain(made.key);
    const revoked = await command(["key", "revoke", made.id], made.key);
    expect([revoked.exit, revoked.out]).toEqual([0, `${made.id} (laptop): revoked\n`]);
    expect((await command(["whoami"], made.key)).exit).toBe(2);
  });

  test("is known to an issuer by a subject", async () => {
    await command(["person", "add", "vouched"]);
    const words = ["person", "identity", "vouched", "https://issuer.example", "subject"];
    const bound = await command(words);
    expect(bound.out).toBe("ISSUER                  SUBJECT\nhttps://issuer.example  subject\n");
    expect((await command([...words, "--remove"])).out).toBe("none\n");
    expect((await command(["person", "identity", "vouched", "https://issuer.example"])).exit).toBe(2);
  });
});

describe("what is written on the command line", () => {
  test("is roles of environments, and a role that is mistyped is guessed at", () => {
    expect(grantsOf(["*=viewer", "prod=approver"])).toEqual([
      { environment: "*", role: "viewer" },
      { environment: "prod", role: "approver" },
    ]);
    expect(() => grantsOf(["prod=aprover"])).toThrow('did you mean "approver"?');
    expect(() => grantsOf(["prod"])).toThrow("is not ENVIRONMENT=ROLE");
  });

  test("is a span or a date for an expiry", () => {
    const now = new Date("2026-11-21T12:00:00Z");
    expect(expiryOf("90d", now)).toBe("2027-02-19T12:00:00.000Z");
    expect(expiryOf("12h", now)).toBe("2026-11-22T00:00:00.000Z");
    expect(expiryOf("2027-01-31", now)).toBe("2027-01-31T00:00:00.000Z");
    for (const text of ["90", "soon", "d", "2027-13-45"])
      expect(() => expiryOf(text, now)).toThrow("neither a span");
  });
});
