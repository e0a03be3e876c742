/** What the terminal offers of itself: completion in a real bash, guesses at names, and the way to the console. */
import { execFile } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { get, type IncomingMessage } from "node:http";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { start } from "../api/course.ts";
import { KEY, registerFresh, uploadRelease } from "../api/world.ts";
import { type CommandWorld, openCommandWorld, runCommand } from "./command.ts";

const MAIN = fileURLToPath(new URL("../../bin/rehearsal.js", import.meta.url));

let world: CommandWorld;
let release: string;
let id: string;

beforeAll(async () => {
  world = await openCommandWorld();
  release = await uploadRelease(world);
  await registerFresh(world, "production");
  await registerFresh(world, "preview");
  id = (await start(world, "production", release)).id;
});

afterAll(async () => {
  await world.close();
});

describe("completion", () => {
  const completed = async (words: string[], variables: Record<string, string> = {}) => {
    const { exit, out, err } = await world.run(["__complete", "--", ...words], { variables });
    expect([exit, err]).toEqual([0, ""]);
    return out.split("\n").filter((line) => line !== "");
  };

  test("in bash completes commands, options, choices and the names of environments", async () => {
    const folder = await world.folder({
      rehearsal: `#!/bin/sh\nexec "${process.execPath}" "${MAIN}" "$@"\n`,
    });
    const script = `
      chmod +x ./rehearsal; PATH=$PWD:$PATH
      source <(rehearsal completion bash)
      complete -p rehearsal
      try() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=(); _rehearsal; echo "\${COMPREPLY[@]}"; }
      try rehearsal prom
      try rehearsal env add --ro
      try rehearsal env add --role ""
      try rehearsal lint --format = sa
      try rehearsal promote pr`;
    const { stdout, stderr } = await promisify(execFile)("bash", ["--norc", "-c", script], {
      cwd: folder,
      env: { PATH: process.env.PATH, REHEARSAL_URL: world.url, REHEARSAL_KEY: KEY },
    });
    expect(stderr).toBe("");
    expect(stdout.trimEnd().split("\n")).toEqual([
      "complete -o default -F _rehearsal rehearsal",
      "promote",
      "--role",
      "dev prod",
      "sarif",
      "preview production",
    ]);
  });

  test("knows promotions, releases, and values of options; and is silent about what it cannot know", async () => {
    const cases: [string[], string[], Record<string, string>?][] = [
      [["watch", id.slice(0, 3)], [id]],
      [["promote", "production", release.slice(0, 2)], [release]],
      [["status", "--environment", "prod"], ["production"]],
      [
        ["rollback", id, "--confirm", ""],
        ["preview", "production"],
      ],
      [["promote", "production", "--wa"], ["--watch"]],
      [
        ["log", ""],
        ["verify", id],
      ],
      [["env", "add", "pr"], []],
      [["promote", "pr"], [], { REHEARSAL_KEY: "rk_nobody" }],
      [["promote", "pr"], [], { REHEARSAL_URL: "http://127.0.0.1:9" }],
    ];
    const found = await Promise.all(cases.map(([words, , variables]) => completed(words, variables)));
    expect(found).toEqual(cases.map(([, candidates]) => candidates));
  });

  test("gives up on a service that takes the question and never answers", async () => {
    const silent = createServer().listen(0, "127.0.0.1");
    await once(silent, "listening");
    const { port } = silent.address() as AddressInfo;
    expect(await completed(["promote", "pr"], { REHEARSAL_URL: `http://127.0.0.1:${port}` })).toEqual([]);
    silent.close();
  });

  test.each(["bash", "zsh", "fish"])(
    "of %s asks the command as it was typed, and never shows its errors",
    async (shell) => {
      const { exit, out } = await runCommand(["completion", shell]);
      expect(exit).toBe(0);
      expect(out).toContain("__complete -- ");
      expect(out).toContain("2>/dev/null");
    },
  );
});

describe("a name that is not there", () => {
  test.each([
    [() => ["promote", "prodution", release], 'did you mean "production"?'],
    [() => ["env", "show", "privew"], 'did you mean "preview"?'],
    [() => ["watch", id.slice(0, 10)], () => `did you mean "${id}"?`],
    [
      () => [
        "promote",
        "production",
        `${release.slice(0, 9)}${release[9] === "0" ? "1" : "0"}${release.slice(10)}`,
      ],
      () => `did you mean "${release}"?`,
    ],
  ])("is refused with the one that is near", async (words, hint) => {
    const { exit, err } = await world.run(words());
    expect(exit).toBe(2);
    expect(err).toContain("code:  NotFound");
    expect(err).toContain(`hint:  ${typeof hint === "string" ? hint : hint()}`);
  });

  test("nor near to any has the hint that it had", async () => {
    const { err } = await world.run(["env", "show", "zzzzzzzz"]);
    expect(err).not.toContain("did you mean");
    expect(err).toContain("hint:  list what there is");
  });

  test("of a choice is guessed as well", async () => {
    const { exit, err } = await runCommand(["completion", "bsh"]);
    expect(exit).toBe(2);
    expect(err).toContain('hint:  did you mean "bash"?');
  });
});

describe("open", () => {
  test("prints the address and hands the browser one that signs it in, once", async () => {
    const folder = await world.folder({
      browser: '#!/bin/sh\nprintf %s "$1" > seen.part && mv seen.part seen\n',
    });
    await promisify(execFile)("chmod", ["+x", join(folder, "browser")]);
    const { exit, out, err } = await world.run(["open", id], {
      folder,
      variables: { BROWSER: join(folder, "browser") },
    });
    expect([exit, out, err]).toEqual([0, `${world.url}/console/promotions/${id}\n`, ""]);
    const seen = new URL(await appeared(join(folder, "seen")));
    expect(seen.searchParams.get("next")).toBe(`/console/promotions/${id}`);
    expect(await navigate(seen)).toEqual([303, `/console/promotions/${id}`]);
    expect(await navigate(seen)).toEqual([401, undefined]);
  });

  test("without a browser prints the address and says so, and with --print says nothing else", async () => {
    const none = await world.run(["open", "production"], { variables: { BROWSER: "/nowhere/browser" } });
    expect([none.exit, none.out]).toEqual([0, `${world.url}/console/environments/production\n`]);
    expect(none.err).toContain("no browser could be opened");
    const printed = await world.run(["open", "--print"]);
    expect(printed).toEqual({ exit: 0, out: `${world.url}/console\n`, err: "" });
  });

  test("of what is not there exits 2", async () => {
    const { exit, err } = await world.run(["open", "prodution", "--print"]);
    expect(exit).toBe(2);
    expect(err).toContain('did you mean "production"?');
  });
});

/** What a browser is answered that is led to an address from outside; fetch would say that a program asks. */
async function navigate(url: URL): Promise<[status: number | undefined, location: string | undefined]> {
  const headers = { "sec-fetch-site": "none", "sec-fetch-mode": "navigate" };
  const [answer] = (await once(get(url, { headers }), "response")) as [IncomingMessage];
  answer.resume();
  return [answer.statusCode, answer.headers.location];
}

/** A file's text once it is there; the test's own time-out ends a wait in vain. */
async function appeared(path: string): Promise<string> {
  for (;;) {
    const text = await readFile(path, "utf8").catch(() => undefined);
    if (text !== undefined) return text;
    await new Promise((resolve) => setImmediate(resolve));
  }
}
