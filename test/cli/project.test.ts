/** The command in a project's folder, and the environments that its releases go to. */
import { access, readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type DatabaseAddress, databaseUrl } from "../../core/database-url.ts";
import { execute } from "../postgres.ts";
import { type CommandWorld, openCommandWorld, runCommand } from "./command.ts";

let world: CommandWorld;

beforeAll(async () => {
  world = await openCommandWorld();
});

afterAll(async () => {
  await world.close();
});

const PROJECT = {
  "rehearsal.yaml": "project: library\n",
  "migrations/0001_make_books.sql": "create table books (id int primary key, title text not null);\n",
};

describe("a project", () => {
  test("is made, given a migration, and checked, with no service", async () => {
    const folder = await world.folder();
    const made = await runCommand(["init", "--name", "library"], { folder });
    expect([made.exit, made.err]).toEqual([0, ""]);
    expect(made.out).toContain('project "library"');
    const migration = await runCommand(["new", "Make", "books!"], { folder });
    expect([migration.exit, migration.out]).toEqual([0, "migrations/0001_make_books.sql\n"]);
    const again = await runCommand(["init", "--json"], { folder });
    expect(again.exit).toBe(2);
    expect(JSON.parse(again.out)).toMatchObject({ error: { code: "ProjectExists" } });
    const empty = await runCommand(["release", "--check"], { folder });
    expect(empty.exit).toBe(2);
    expect(empty.err).toContain("migrations/0001_make_books.sql holds no statement");
    expect(empty.err).toContain("hint:");
  });

  test("is released once; its hash is the same everywhere", async () => {
    const [one, two] = [await world.folder(PROJECT), await world.folder(PROJECT)];
    const first = await world.json<{ hash: string; uploaded: boolean }>(["release"], { folder: one });
    expect(first).toMatchObject({
      exit: 0,
      value: {
        hash: expect.stringMatching(/^[0-9a-f]{64}$/),
        project: "library",
        files: 2,
        migrations: 1,
        uploaded: true,
      },
    });
    const second = await world.json<{ hash: string }>(["release"], { folder: two });
    expect(second.value).toMatchObject({ hash: first.value.hash, uploaded: false });
    const checked = await runCommand(["release", "--check", "--json"], { folder: two });
    expect(JSON.parse(checked.out)).not.toHaveProperty("uploaded");
    const { out } = await world.run(["release"], { folder: one });
    expect(out).toMatch(/^release: {5}[0-9a-f]{64}\nproject: {5}library\n/);
  });

  test("with a mistake is refused by path and line, and nothing is uploaded", async () => {
    const folder = await world.folder({
      ...PROJECT,
      "migrations/0002_bad.sql": "select 1;\nrollback;\n",
    });
    const before = await world.ledger.query("select hash from ledger.releases");
    const { exit, err, out } = await world.run(["release"], { folder });
    expect([exit, out]).toEqual([2, ""]);
    expect(err).toContain("migrations/0002_bad.sql:2");
    expect(err).toContain("code:  TransactionControl");
    expect(await world.ledger.query("select hash from ledger.releases")).toEqual(before);
  });

  test("that is not there is refused", async () => {
    const { exit, err } = await world.run(["release"], { folder: await world.folder() });
    expect(exit).toBe(2);
    expect(err).toContain('make a project with "rehearsal init"');
  });
});

describe("an environment", () => {
  test("abuse 35: is registered without its password on the command line, in an output, or in an error", async () => {
    const keeper = { user: "cli_keeper", password: "s3cr3tive" };
    const targets: DatabaseAddress[] = [];
    const target = async () => {
      const address = await world.target();
      targets.push(address);
      return databaseUrl({ ...address, ...keeper });
    };
    await execute(world.control, `create role cli_keeper superuser login password 's3cr3tive'`);
    const byInput = await world.run(["env", "add", "by-input", "--role", "dev", "--url", "-"], {
      input: `${await target()}\n`,
    });
    expect(byInput.exit).toBe(0);
    expect(byInput.out).toMatch(/^environment: {7}by-input\nrole: {14}dev\nstate: {13}writeable\naddress: /);
    const byVariable = await world.run(["env", "add", "by-variable", "--role", "dev"], {
      variables: {
        REHEARSAL_DATABASE_URL: await target(),
      },
    });
    expect(byVariable.exit).toBe(0);
    const byWord = await world.run(["env", "add", "by-word", "--role", "dev", "--url", await target()]);
    expect(byWord.exit).toBe(0);
    expect(byWord.err).toContain("note: on a command line others on this machine can read the password");
    const wrong = await world.run(["env", "add", "wrong", "--role", "dev", "--url", "-"], {
      input: "postgresql://keeper:s3cr3tive@one,two/x",
    });
    expect(wrong.exit).toBe(2);
    const dead = await world.run(["env", "add", "dead", "--role", "dev", "--url", "-"], {
      input: "postgresql://keeper:s3cr3tive@127.0.0.1:1/x?sslmode=disable",
    });
    expect(dead.exit).toBe(1);
    expect(dead.err).toContain("code:  DatabaseUnreachable");
    const list = await world.run(["env", "list"]);
    expect(JSON.stringify([byInput, byVariable, byWord, wrong, dead, list])).not.toContain("s3cr3tive");
    for (const address of targets) await execute(address, "reassign owned by cli_keeper to current_user");
    await execute(world.control, "drop role cli_keeper");
  });

  test("without a URL is refused with the ways to give one", async () => {
    const { exit, err } = await world.run(["env", "add", "none", "--role", "dev"]);
    expect(exit).toBe(2);
    expect(err).toContain("set REHEARSAL_DATABASE_URL, or pass --url -");
  });

  test("takes its policy from YAML or JSON, and another one later", async () => {
    const folder = await world.folder({
      "policy.yaml": "decision: approval\napprovalTimeout: 60\n",
      "policy.json": '{"decision":"automatic"}',
      "wrong.yaml": "decision: maybe\n",
    });
    const address = await world.target();
    const added = await world.json<{ policy: object }>(
      ["env", "add", "strict", "--role", "prod", "--url", "-", "--policy", "policy.yaml"],
      { folder, input: databaseUrl(address) },
    );
    expect(added.exit).toBe(0);
    expect(added.value.policy).toMatchObject({ decision: "approval", approvalTimeout: 60, lockRetries: 5 });
    const changed = await world.json<{ policy: object }>(["env", "policy", "strict", "policy.json"], {
      folder,
    });
    expect(changed.value.policy).toMatchObject({ decision: "automatic", approvalTimeout: 86_400 });
    const wrong = await world.run(["env", "policy", "strict", "wrong.yaml"], { folder });
    expect(wrong.exit).toBe(2);
    expect(wrong.err).toContain("policy.decision");
    const missing = await world.run(["env", "policy", "strict", "nowhere.yaml"], { folder });
    expect(missing.exit).toBe(2);
    expect(missing.err).toContain("nowhere.yaml");
  });

  test("that is taken, or says it is another, exits 2", async () => {
    const input = databaseUrl(await world.target());
    const add = (name: string, role: string) =>
      world.run(["env", "add", name, "--role", role, "--url", "-"], { input });
    expect((await add("mine", "dev")).exit).toBe(0);
    const taken = await add("mine", "dev");
    expect(taken.exit).toBe(2);
    expect(taken.err).toContain("code:  EnvironmentExists");
    const other = await add("yours", "prod");
    expect(other.exit).toBe(2);
    expect(other.err).toContain("code:  IdentityMismatch");
    const unknown = await world.run(["env", "show", "nobody"]);
    expect(unknown.exit).toBe(2);
    expect(unknown.err).toContain('there is no environment "nobody"');
  });

  test("is listed in columns, one line each", async () => {
    const { out } = await world.run(["env", "list"]);
    const [head, ...lines] = out.trimEnd().split("\n");
    expect(head).toMatch(/^NAME +ROLE +STATE +RELEASE +NEWEST PROMOTION +ADDRESS$/);
    const at = head?.indexOf("ADDRESS") ?? -1;
    for (const line of lines) expect(line.slice(at - 2, at)).toBe("  ");
    const { value } = await world.json<{ environments: object[] }>(["env", "list"]);
    expect(value.environments).toHaveLength(lines.length);
  });
});

test("what init makes is a project that release accepts", async () => {
  const folder = join(await world.folder(), "My Library");
  const made = await runCommand(["init", folder, "--json"]);
  expect(JSON.parse(made.out)).toMatchObject({ project: "my-library" });
  await access(join(folder, "migrations"));
  expect(await readFile(join(folder, "rehearsal.yaml"), "utf8")).toContain("project: my-library");
});
