import { mkdir, mkdtemp, readFile, rm, symlink, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { init } from "../../cli/commands/init.ts";
import { newMigration } from "../../cli/commands/new.ts";
import { prepareRelease } from "../../cli/commands/release.ts";
import { readProjectFiles } from "../../cli/project-files.ts";
import { FILE_BYTES } from "../../core/release-limits.ts";
import { refusalOf } from "../refusal.ts";

let folder: string;
beforeEach(async () => {
  folder = join(await mkdtemp(join(tmpdir(), "rehearsal-")), "My App");
  await init(folder);
});
afterEach(() => rm(join(folder, ".."), { recursive: true, force: true }));

const write = (path: string, text: string) => writeFile(join(folder, path), text);

describe("init", () => {
  test("makes a project that needs only its first migration to be released", async () => {
    const { path } = await newMigration(folder, "Add videos & speakers!");
    expect(path).toBe("migrations/0001_add_videos_speakers.sql");
    expect(await refusalOf(() => prepareRelease(folder))).toMatchObject({ code: "SqlEmpty" });
    await write(path, `${await readFile(join(folder, path), "utf8")}create table videos (id bigint);\n`);
    const { project, bundle } = await prepareRelease(folder);
    expect(project).toMatchObject({
      name: "my-app",
      migrations: [{ version: 1, name: "add_videos_speakers" }],
    });
    expect(bundle.manifest.files.map((file) => file.path)).toEqual([path, "rehearsal.yaml"]);
  });

  test("leaves a project that stands as it is", async () => {
    expect(await refusalOf(() => init(folder))).toMatchObject({
      code: "ProjectExists",
      hint: expect.stringContaining("choose another folder"),
    });
  });

  test("refuses a name that no project may have", async () => {
    expect(await refusalOf(() => init(join(folder, "sub"), { name: "My App" }))).toMatchObject({
      code: "ConfigInvalid",
      message: expect.stringContaining("lower-case letters"),
      hint: expect.stringContaining("correct the named keys"),
    });
  });
});

describe("new", () => {
  test("counts on from the highest number", async () => {
    await newMigration(folder, "one");
    expect(await newMigration(folder, "two")).toMatchObject({ path: "migrations/0002_two.sql" });
  });

  test("refuses a name that is taken, and one without letters", async () => {
    await newMigration(folder, "add speakers");
    expect(await refusalOf(() => newMigration(folder, "Add  Speakers"))).toMatchObject({
      code: "MigrationNameTaken",
      hint: expect.stringContaining("differently"),
    });
    expect(await refusalOf(() => newMigration(folder, "!!"))).toMatchObject({ code: "MigrationNameInvalid" });
  });
});

describe("reading a folder", () => {
  test("takes the release's files and passes over the rest of the repository", async () => {
    await mkdir(join(folder, "reports/monthly"), { recursive: true });
    await mkdir(join(folder, "node_modules/x"), { recursive: true });
    await write("README.md", "words");
    await write("node_modules/x/index.js", "");
    await write("migrations/.0001_a.sql.swp", "");
    await write("migrations/0001_a.sql", "select 1");
    await write("reports/monthly/jobs.md", "x");
    const files = await readProjectFiles(folder);
    expect(files.map((file) => file.path)).toEqual([
      "migrations/0001_a.sql",
      "rehearsal.yaml",
      "reports/monthly/jobs.md",
    ]);
    expect(Buffer.from(files[0]?.bytes ?? []).toString()).toBe("select 1");
  });

  test("abuse 7: a symbolic link is refused, to a file or to a folder", async () => {
    await symlink("/etc/passwd", join(folder, "migrations/0001_a.sql"));
    const refusal = await refusalOf(() => readProjectFiles(folder));
    expect(refusal).toEqual({
      code: "SymlinkRefused",
      message: '"migrations/0001_a.sql" is a symbolic link to "/etc/passwd"',
      hint: "put the file itself in the project: a release holds content, not links",
    });
    await rm(join(folder, "migrations"), { recursive: true });
    await symlink("/etc", join(folder, "migrations"));
    expect(await refusalOf(() => readProjectFiles(folder))).toMatchObject({ code: "SymlinkRefused" });
    await rm(join(folder, "rehearsal.yaml"));
    await symlink("/etc/passwd", join(folder, "rehearsal.yaml"));
    expect(await refusalOf(() => readProjectFiles(folder))).toMatchObject({ code: "SymlinkRefused" });
  });

  test("a file of any length is read whole", async () => {
    await mkdir(join(folder, "reports"), { recursive: true });
    const lengths = [0, 1, 65_535, 65_536, 65_537, 131_072, 200_000];
    const texts = lengths.map((length) => Buffer.from(Array.from({ length }, (_, place) => place % 251)));
    for (const bytes of texts) await writeFile(join(folder, `reports/${bytes.length}`), bytes);
    const files = await readProjectFiles(folder);
    for (const bytes of texts)
      expect(files.find(({ path }) => path === `reports/${bytes.length}`)?.bytes).toSatisfy(
        (read: Uint8Array) => bytes.equals(read),
      );
  });

  test("abuse 10: a file above the limit is refused, with no more than its beginning read", async () => {
    await write("migrations/0001_a.sql", "select 1");
    await truncate(join(folder, "migrations/0001_a.sql"), FILE_BYTES + 1);
    expect(await refusalOf(() => readProjectFiles(folder))).toMatchObject({
      code: "FileTooLarge",
      hint: expect.stringContaining("split the file"),
    });
  });

  test("abuse 11: a folder that is no project is refused", async () => {
    await rm(join(folder, "rehearsal.yaml"));
    expect(await refusalOf(() => readProjectFiles(folder))).toMatchObject({
      code: "ProjectMissing",
      hint: expect.stringContaining("rehearsal init"),
    });
  });

  test("a folder where only files belong is refused", async () => {
    await mkdir(join(folder, "migrations/old"));
    expect(await refusalOf(() => readProjectFiles(folder))).toMatchObject({
      code: "PathRefused",
      message: expect.stringContaining("a folder cannot stand here"),
    });
  });
});

describe("another tool's migrations", () => {
  let other: string;
  beforeEach(async () => {
    other = join(folder, "../other");
    await mkdir(other);
  });
  const put = async (path: string, text: string) => {
    await mkdir(join(other, path, ".."), { recursive: true });
    await writeFile(join(other, path), text);
  };

  test("are released where they stand, with what explains them passed over", async () => {
    await put("db/migrations/20240101120000_make.sql", "-- migrate:up\ncreate table a (x int);\n");
    await put("db/migrations/README.md", "how we migrate");
    await put("db/schema.sql", "create table a (x int);");
    expect((await init(other, { format: "dbmate" })).made).not.toContain("db/migrations/.gitkeep");
    const { bundle } = await prepareRelease(other);
    expect(bundle.manifest.files.map(({ path }) => path)).toEqual([
      "db/migrations/20240101120000_make.sql",
      "rehearsal.yaml",
    ]);
    const { path } = await newMigration(other, "More books");
    expect(path).toMatch(/^db\/migrations\/20\d{12}_more_books\.sql$/);
    expect(await prepareRelease(other)).toMatchObject({ project: { migrations: [{}, { statements: [] }] } });
    expect(await refusalOf(() => newMigration(other, "more books"))).toMatchObject({
      code: "MigrationNameTaken",
    });
  });

  test("go on counting where the folder counts", async () => {
    await put("migrations/00007_a.sql", "-- +goose Up\nselect 1;\n");
    await init(other, { format: "goose" });
    expect((await newMigration(other, "b")).paths).toEqual(["migrations/00008_b.sql"]);
  });

  test("Sqitch's stand at the top, and Sqitch makes the next", async () => {
    await put("sqitch.plan", "%project=x\nteams/a 2024-01-01T00:00:00Z a <b> # c\n");
    await put("deploy/teams/a.sql", "BEGIN; create table a (x int); COMMIT;");
    await put("src/deploy/b.sql", "not ours");
    await init(other, { format: "sqitch" });
    const { project } = await prepareRelease(other);
    expect(project.migrations).toMatchObject([{ key: "teams/a", path: "deploy/teams/a.sql" }]);
    expect(project.others).toEqual(["rehearsal.yaml", "sqitch.plan"]);
    expect(await refusalOf(() => newMigration(other, "b"))).toMatchObject({
      code: "NextMadeByTool",
      hint: "run: sqitch add b",
    });
  });
});
