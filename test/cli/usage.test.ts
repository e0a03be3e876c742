/** The command's words: help, mistakes, where the service is, and how output looks where nobody looks at it. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { cliReference } from "../../cli/reference.ts";
import { type CommandWorld, openCommandWorld, runCommand } from "./command.ts";

let world: CommandWorld;

beforeAll(async () => {
  world = await openCommandWorld();
});

afterAll(async () => {
  await world.close();
});

const refusalOf = (out: string) =>
  (JSON.parse(out) as { error: { code: string; message: string; hint: string } }).error;

describe("help", () => {
  test("goes to standard output, names commands, exit codes and variables, and exits 0", async () => {
    const { exit, out, err } = await runCommand(["--help"]);
    expect([exit, err]).toEqual([0, ""]);
    for (const part of ["promote", "rollback", "Exit codes:", "6  an operator is needed", "REHEARSAL_URL"])
      expect(out).toContain(part);
  });

  test("of one command tells its options", async () => {
    const { exit, out } = await runCommand(["env", "add", "--help"]);
    expect(exit).toBe(0);
    for (const part of ["--role", "--policy", "REHEARSAL_DATABASE_URL", "--json"])
      expect(out).toContain(part);
  });

  test.each([[[]], [["env"]]])(
    "stands in for missing words %j, on standard error, and exits 2",
    async (words) => {
      const { exit, out, err } = await runCommand(words);
      expect([exit, out]).toEqual([2, ""]);
      expect(err).toContain("Usage: rehearsal");
    },
  );

  test("and the reference name every command, option and exit code", () => {
    const page = cliReference();
    for (const part of [
      "## `rehearsal log verify`",
      "- `--watch`: follow it to its end",
      "- `5`: the environment",
    ])
      expect(page).toContain(part);
    expect(page).not.toMatch(/undefined|\n\n\n/);
  });
});

describe("a mistake", () => {
  test.each([
    [["promte"], 'did you mean "promote"?', "unknown command 'promte'"],
    [["promote", "prod", "--wach"], 'did you mean "--watch"?', "unknown option '--wach'"],
    [["env", "lst"], 'did you mean "list"?', "unknown command 'lst'"],
    [["promote"], 'see "rehearsal promote --help"', "missing required argument 'environment'"],
    [["watch", "a", "b"], 'see "rehearsal watch --help"', "too many arguments"],
    [["env", "add", "x", "--role", "Production"], 'did you mean "prod"?', "Allowed choices are dev, prod"],
    [
      ["env", "add", "x", "--role", "king"],
      'see "rehearsal env add --help"',
      "Allowed choices are dev, prod",
    ],
    [["xyzzyx"], 'see "rehearsal --help"', "unknown command"],
  ])("%j exits 2 with a hint", async (words, hint, message) => {
    const { exit, out, err } = await runCommand(words);
    expect([exit, out]).toEqual([2, ""]);
    expect(err).toContain(message);
    expect(err).toContain(`hint:  ${hint}\n`);
    expect(err).toContain("code:  UsageInvalid");
    const json = await runCommand([...words, "--json"]);
    expect(json.exit).toBe(2);
    expect(refusalOf(json.out)).toMatchObject({ code: "UsageInvalid", hint });
    expect(json.err).toBe("");
  });
});

describe("the connection", () => {
  test("is found in a folder above", async () => {
    const folder = await world.folder({
      ".rehearsal/connection.json": JSON.stringify({ url: `${world.url}/`, key: "rk_tester" }),
      "a/b/note.txt": "",
    });
    const { exit, out } = await runCommand(["env", "list"], { folder: `${folder}/a/b` });
    expect([exit, out]).toEqual([0, 'no environment is registered; "rehearsal env add" registers one\n']);
  });

  test("missing is refused with the ways to give it", async () => {
    const { exit, err } = await runCommand(["env", "list"]);
    expect(exit).toBe(2);
    expect(err).toContain("code:  ConnectionMissing");
    expect(err).toContain("hint:  set REHEARSAL_URL and REHEARSAL_KEY or REHEARSAL_TOKEN");
  });

  test("of a file is never used with another address: its key would go to a stranger", async () => {
    const folder = await world.folder({
      ".rehearsal/connection.json": JSON.stringify({ url: world.url, key: "rk_tester" }),
    });
    const { exit, err } = await runCommand(["env", "list"], {
      folder,
      variables: { REHEARSAL_URL: world.url },
    });
    expect(exit).toBe(2);
    expect(err).toContain("REHEARSAL_KEY is not set");
  });

  test("abuse 35: a file that came with a repository does not lead a key from the environment to its own address", async () => {
    const folder = await world.folder({
      ".rehearsal/connection.json": JSON.stringify({ url: "https://127.0.0.1.example.com", key: "k" }),
    });
    const { exit, err } = await runCommand(["status"], { folder, variables: { REHEARSAL_KEY: "rk_secret" } });
    expect(exit).toBe(2);
    expect(err).toContain("names https://127.0.0.1.example.com, which is not given that key");
    expect(err).toContain("hint:  set REHEARSAL_URL and REHEARSAL_KEY");
    expect(err).not.toContain("rk_secret");
    // The service of this machine is: another person speaks there by a key of their own.
    const own = await world.folder({
      ".rehearsal/connection.json": JSON.stringify({ url: world.url, key: "rk_nobody" }),
    });
    expect(
      await runCommand(["status"], { folder: own, variables: { REHEARSAL_KEY: "rk_tester" } }),
    ).toMatchObject({
      exit: 0,
    });
  });

  test.each([["{"], ['{"url":"ftp://x","key":"k"}'], ['{"key":"k"}'], ["null"]])(
    "that is written as %s is refused",
    async (text) => {
      const folder = await world.folder({ ".rehearsal/connection.json": text });
      const { exit, err } = await runCommand(["status"], { folder });
      expect(exit).toBe(2);
      expect(err).toContain("ConnectionMissing");
    },
  );

  test("to nobody exits 1 and says whom it asked", async () => {
    const { exit, err } = await runCommand(["status"], {
      variables: { REHEARSAL_URL: "http://127.0.0.1:9", REHEARSAL_KEY: "k" },
    });
    expect(exit).toBe(1);
    expect(err).toContain("the service at http://127.0.0.1:9 does not answer");
    expect(err).toContain("code:  ServiceUnreachable");
  });

  test("to something else than the service says so", async () => {
    const { err, exit } = await runCommand(["status"], {
      variables: { REHEARSAL_URL: process.env.AWS_ENDPOINT_URL_S3 ?? "", REHEARSAL_KEY: "k" },
    });
    expect(exit).toBe(1);
    expect(err).toContain("no problem details");
  });

  test("with a wrong key exits 2", async () => {
    const { exit, err } = await world.run(["status"], { variables: { REHEARSAL_KEY: "rk_nobody" } });
    expect(exit).toBe(2);
    expect(err).toContain("code:  Unauthorized");
    expect(err).not.toContain("rk_nobody");
  });
});

describe("output", () => {
  test("has no colour where nobody looks, has it when it is forced, and none with NO_COLOR", async () => {
    const plain = await runCommand(["promte"]);
    expect(plain.err).not.toContain("\u001b");
    const forced = await runCommand(["promte"], { variables: { FORCE_COLOR: "1" } });
    expect(forced.err).toContain("\u001b[31merror:");
    const off = await runCommand(["promte"], { variables: { NO_COLOR: "1" } });
    expect(off.err).not.toContain("\u001b");
    expect(off.err).toContain("error: unknown command");
  });

  test("abuse 37: control characters in what is told are shown, not obeyed", async () => {
    const { err } = await world.run(["env", "show", "\u001b[2Jx\u202e"]);
    expect(err).not.toContain("\u001b");
    expect(err).not.toContain("\u202e");
  });
});
