/** `rehearsal doctor`: what is in order, what is not, and that each mend it names mends it. */
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Check } from "../../core/checkup.ts";
import { databaseUrl } from "../../core/database-url.ts";
import { VERSION } from "../../core/version.ts";
import { openSecrets } from "../../io/secrets.ts";
import { registerFresh } from "../api/world.ts";
import { execute, newestServer } from "../postgres.ts";
import { type CommandWorld, openCommandWorld, runCommand } from "./command.ts";

let world: CommandWorld;
const role = `doctored_${process.pid}`;

beforeAll(async () => {
  world = await openCommandWorld();
  process.env.REHEARSAL_CONFIGURATION_SECRET = "rehearsal/configuration-key";
  await openSecrets().writeSecret("rehearsal/configuration-key", "a key");
});

afterAll(async () => {
  delete process.env.REHEARSAL_CONFIGURATION_SECRET;
  await world.close();
  // Once the databases are gone in which it owns something.
  await execute(newestServer().address, `drop owned by ${role}; drop role ${role}`);
});

interface Findings {
  ok: number;
  warnings: number;
  failed: number;
  service: Check[];
  database: Check[];
}

const find = (checks: Check[], name: string) => checks.find((check) => check.name === name);

test("the service and a database in order exit 0, each thing told in a line", async () => {
  await registerFresh(world, "sound");
  const { exit, out } = await world.run(["doctor", "sound"]);
  for (const line of [
    `✓ Node: ${process.version}`,
    `✓ versions: the command and the service are ${VERSION}`,
    "✓ you: tester, by key tester; ",
    "✓ state machines: promotions, rollbacks, tasks, prunes are there",
    "✓ your permissions: tester may read, promote, decide, administer here",
    '✓ identity: it is "sound", role dev, state writeable',
    "✓ pooler: none stands between",
    "✓ rights of the role: postgres may do all that a promotion does",
  ])
    expect(out).toContain(line);
  expect(out).toMatch(/^. control database: Postgres \d+, /m);
  expect(out).toMatch(/^✓ bucket: artifacts was written, read and cleared in \d+ ms$/m);
  expect(out).toMatch(/^\d+ in order, \d+ to know of, 0 failed$/m);
  expect(exit).toBe(0);
  const left = [];
  for await (const object of world.store.list("checks/")) left.push(object);
  expect(left).toEqual([]);
});

test("what a role lacks, what fires, and what does not fit is told at once, and its mends mend it", async () => {
  const address = await registerFresh(world, "ailing", { policy: { disk: 1 } });
  await execute(
    address,
    `create role ${role} login password 'secret';
     create function public.note() returns event_trigger language plpgsql as 'begin end';
     create event trigger noting on ddl_command_end execute function public.note();
     grant usage on schema rehearsal to ${role}; grant select on all tables in schema rehearsal to ${role};`,
  );
  const own = { ...address, user: role, password: "secret" };
  await openSecrets().writeSecret("rehearsal/environments/ailing", databaseUrl(own));
  const before = await world.json<Findings>(["doctor", "ailing"]);
  expect(before.exit).toBe(1);
  const rights = find(before.value.database, "rights of the role");
  expect(rights).toMatchObject({
    status: "failed",
    says: expect.stringMatching(/lacks ownership .*; CREATEDB.*; .*pg_signal_backend.*; SET on parameter/),
  });
  const triggers = find(before.value.database, "event triggers");
  expect(triggers).toMatchObject({ status: "warning", says: expect.stringContaining("noting") });

  const grants = /^as a superuser: (.*)$/.exec(rights?.mend ?? "")?.[1] ?? "";
  const disable = /(ALTER EVENT TRIGGER .*)$/.exec(triggers?.mend ?? "")?.[1] ?? "";
  await execute(address, `${grants} ${disable};`);
  const full = await world.json<Findings>(["doctor", "ailing"]);
  expect(find(full.value.database, "disk")).toMatchObject({
    status: "failed",
    says: expect.stringContaining("t_"),
    mend: expect.stringContaining("disk"),
  });
  await world.call("PATCH", "/environments/ailing", { policy: {} });
  const after = await world.json<Findings>(["doctor", "ailing"]);
  expect(after).toMatchObject({ exit: 0, value: { failed: 0 } });
  expect(find(after.value.database, "event triggers")?.status).toBe("ok");
});

test("a database that does not answer is one failure among the answers, and a service that does not is the only one", async () => {
  const address = await registerFresh(world, "gone");
  await openSecrets().writeSecret(
    "rehearsal/environments/gone",
    databaseUrl({ ...address, database: "nowhere_at_all" }),
  );
  const gone = await world.json<Findings>(["doctor", "gone"]);
  expect(gone.exit).toBe(1);
  expect(gone.value.database.map(({ name, status }) => [name, status])).toEqual([
    ["your permissions", "ok"],
    ["database", "failed"],
  ]);
  const alone = await runCommand(["doctor"], {
    variables: { REHEARSAL_URL: "http://127.0.0.1:9", REHEARSAL_KEY: "k" },
  });
  expect(alone.exit).toBe(1);
  expect(alone.out).toMatch(/^✗ service: the service at http:\/\/127\.0\.0\.1:9 does not answer/m);
  expect(alone.out).toMatch(/^ {4}mend: /m);
});

test("an environment that is not there exits 2, with the one that was meant", async () => {
  await registerFresh(world, "present");
  const { exit, err } = await world.run(["doctor", "presnt"]);
  expect(exit).toBe(2);
  expect(err).toContain('hint:  did you mean "present"?');
});
