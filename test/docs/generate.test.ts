/** Generated pages: drift is found and named by its first line. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { findDrift, type Page, writePages } from "../../docs/generate.ts";

let root: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "rehearsal-docs-"));
});

afterEach(() => rm(root, { recursive: true }));

const pages: Page[] = [
  { file: "docs/a.md", generate: () => "# A\none\ntwo\n" },
  { file: "b.md", generate: async () => "b\n" },
];

test("pages just written do not drift", async () => {
  await writePages(pages, root);
  expect(await findDrift(pages, root)).toEqual([]);
});

test("a page that was edited is named with its first differing line", async () => {
  await writePages(pages, root);
  await writeFile(join(root, "docs/a.md"), "# A\nONE\nTWO\n");
  expect(await findDrift(pages, root)).toEqual([
    'docs/a.md differs at line 2\n  is:        "ONE"\n  should be: "one"',
  ]);
});

test("a page that is longer or shorter is named where it ends", async () => {
  await writePages(pages, root);
  await writeFile(join(root, "docs/a.md"), "# A\none\ntwo\nmore\n");
  await writeFile(join(root, "b.md"), "b");
  expect(await findDrift(pages, root)).toEqual([
    'docs/a.md differs at line 4\n  is:        "more"\n  should be: ""',
    'b.md differs at line 2\n  is:        (nothing)\n  should be: ""',
  ]);
});

test("a page that was never written is missing", async () => {
  expect(await findDrift(pages, root)).toEqual(["docs/a.md is missing", "b.md is missing"]);
});
