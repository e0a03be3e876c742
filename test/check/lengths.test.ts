/** The rule on long files: one of more than 300 lines says in its head comment what it is long because of. */
import { glob, readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";

const ROOT = join(import.meta.dirname, "../..");
const LINES = 300;
/** Not ours, or not of the tree. */
const ELSEWHERE = ["node_modules", ".rehearsal", ".git"];

const linesOf = (text: string) => text.split("\n").length - 1;
const headOf = (text: string) => /^\/\*\*.*?\*\//s.exec(text)?.[0] ?? "";
const lacksReason = (text: string) => linesOf(text) > LINES && !/^ \* Long because /m.test(headOf(text));

async function filesOfTree(): Promise<string[]> {
  const exclude = (name: string) =>
    ELSEWHERE.some((folder) => name === folder || name.endsWith(`/${folder}`));
  const files: string[] = [];
  for await (const file of glob(["**/*.ts", ".ci/*.ts"], { cwd: ROOT, exclude }))
    if (!file.endsWith(".generated.ts")) files.push(file);
  return files;
}

test("a file of more than 300 lines says in its head comment why", async () => {
  const files = await filesOfTree();
  expect(files).toEqual(
    expect.arrayContaining(["core/errors.ts", ".ci/check.ts", "test/check/lengths.test.ts"]),
  );
  const silent: string[] = [];
  for (const file of files) if (lacksReason(await readFile(join(ROOT, file), "utf8"))) silent.push(file);
  expect(silent).toEqual([]);
});

test.each([
  ["one of 300 lines needs no reason", "line\n".repeat(300), false],
  ["one of 301 lines does", "line\n".repeat(301), true],
  ["another head comment is none", `/** What it is. */\n${"line\n".repeat(300)}`, true],
  [
    "one further down is none",
    `import "x";\n/**\n * Long because it is.\n */\n${"line\n".repeat(300)}`,
    true,
  ],
  [
    "a line of the head comment is",
    `/**\n * What it is.\n * Long because it is.\n */\n${"line\n".repeat(300)}`,
    false,
  ],
])("%s", (_, text, lacks) => {
  expect(lacksReason(text)).toBe(lacks);
});
