import { mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { changeWorkspaceFile, readWorkspaceFile } from "../../io/workspace-file.ts";
import { startBucket, type TestBucket } from "../bucket.ts";
import { refusalOf } from "../refusal.ts";

let bucket: TestBucket;
let folder: string;

beforeAll(async () => {
  bucket = await startBucket();
  folder = await mkdtemp(join(tmpdir(), "rehearsal-workspace-"));
});

afterAll(async () => {
  await bucket.stop();
  await rm(folder, { recursive: true, force: true });
});

describe.each(["file", "object"])("a workspace's %s", (kind) => {
  const place = (name: string) => (kind === "file" ? `file:${folder}/${name}` : `s3://tests/prod/${name}`);

  test("is made where there is none, replaced as it was read, and left where nothing is to change", async () => {
    const at = place("state.json");
    expect(await readWorkspaceFile(at)).toBeUndefined();
    await changeWorkspaceFile(at, (text) => `${text} 1`);
    await changeWorkspaceFile(at, (text) => `${text} 2`);
    await changeWorkspaceFile(at, () => undefined);
    expect(await readWorkspaceFile(at)).toBe("undefined 1 2");
  });

  test("that has grown too large is not read", async () => {
    const at = place("large.json");
    await changeWorkspaceFile(at, () => "x".repeat(64 * 1024 + 1));
    expect(await refusalOf(() => readWorkspaceFile(at))).toMatchObject({
      code: "WorkspaceFileUnusable",
      hint: expect.stringContaining("inventory.yaml"),
    });
  });
});

test("a file keeps its rights, and nothing is left beside it", async () => {
  const inside = await mkdtemp(join(folder, "rights-"));
  await writeFile(join(inside, "role"), "dev", { mode: 0o640 });
  await changeWorkspaceFile(`file:${inside}/role`, () => "prod");
  expect((await stat(join(inside, "role"))).mode & 0o777).toBe(0o640);
  expect(await readdir(inside)).toEqual(["role"]);
});

test("three who change an object at the same time all have their way, one after the other", async () => {
  const at = "s3://tests/prod/contended.json";
  const asked: number[] = [];
  await Promise.all(
    [1, 2, 3].map((who) =>
      changeWorkspaceFile(at, (text = "") => {
        asked.push(who);
        return `${text}${who}`;
      }),
    ),
  );
  const text = (await readWorkspaceFile(at)) ?? "";
  expect([...text].sort()).toEqual(["1", "2", "3"]);
  // Whoever came late read what was there by then.
  expect(asked.length).toBeGreaterThanOrEqual(3);
});

test("a bucket that is not there is told by its name", async () => {
  expect(await refusalOf(() => readWorkspaceFile("s3://no-such-bucket/state.json"))).toMatchObject({
    code: "WorkspaceFileUnusable",
    message: expect.stringContaining("no-such-bucket"),
  });
});
