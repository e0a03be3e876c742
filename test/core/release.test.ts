import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { canonicalJson } from "../../core/canonical-json.ts";
import type { ProjectFile } from "../../core/project.ts";
import { buildBundle, readBundle } from "../../core/release.ts";
import { refusalOf } from "../refusal.ts";

const files: ProjectFile[] = [
  { path: "rehearsal.yaml", bytes: Buffer.from("project: demo\n") },
  { path: "migrations/0001_a.sql", bytes: Buffer.from("select 1") },
  { path: "reports/é/\u{1F600}.md", bytes: Buffer.from([0, 255, 10]) },
  { path: "reports/é/\uFB01.md", bytes: new Uint8Array() },
];

test("a bundle is its manifest, a line break, and the files by the UTF-8 bytes of their paths", () => {
  const { hash, manifest, bytes } = buildBundle(files);
  expect(manifest.files.map((file) => file.path)).toEqual([
    "migrations/0001_a.sql",
    "rehearsal.yaml",
    "reports/é/\uFB01.md",
    "reports/é/\u{1F600}.md",
  ]);
  expect(Buffer.from(bytes)).toEqual(
    Buffer.concat([
      Buffer.from(`${canonicalJson(manifest)}\n`),
      Buffer.from("select 1project: demo\n"),
      Buffer.from([0, 255, 10]),
    ]),
  );
  // Pinned: the same files have this name on every machine, in every version of this format.
  expect(hash).toBe("18716d5227d00bee6160f794d01449d51154849998e309f3eaab7903ae02e46e");
});

test("any files in any order make one bundle, and reading gives them back", () => {
  const name = fc
    .string({ unit: "grapheme", minLength: 1, maxLength: 12 })
    .map((text) => `f${Buffer.from(text).toString("hex")}`);
  const some = fc.uniqueArray(fc.tuple(name, fc.uint8Array({ maxLength: 200 })), {
    selector: ([path]) => path,
    maxLength: 20,
  });
  fc.assert(
    fc.property(
      some.chain((list) => {
        const all: ProjectFile[] = [
          ...files.slice(0, 2),
          ...list.map(([path, bytes]) => ({ path: `reports/${path}`, bytes })),
        ];
        return fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length }));
      }),
      ([all, shuffled]) => {
        const bundle = buildBundle(all);
        const other = buildBundle(shuffled);
        expect(other.hash).toBe(bundle.hash);
        expect(Buffer.compare(other.bytes, bundle.bytes)).toBe(0);
        const read = readBundle(bundle.bytes, bundle.hash);
        const contents = (list: readonly ProjectFile[]) =>
          Object.fromEntries(list.map((file) => [file.path, Buffer.from(file.bytes).toString("hex")]));
        expect(contents(read.files)).toEqual(contents(all));
      },
    ),
  );
});

describe("abuse 14: a bundle tampered with, or another one in its place, is refused", () => {
  const { hash, manifest, bytes } = buildBundle(files);
  const rebuilt = (change: (value: typeof manifest) => unknown, text = canonicalJson) => {
    const value = change(structuredClone(manifest));
    const content = Buffer.from(bytes).subarray(Buffer.from(bytes).indexOf(10) + 1);
    return Buffer.concat([Buffer.from(`${text(value as never)}\n`), content]);
  };

  test("one changed byte anywhere is found", async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), async (at, change) => {
        const changed = Buffer.from(bytes);
        changed[at] = (changed[at] ?? 0) ^ change;
        const refusal = await refusalOf(() => readBundle(changed, hash));
        expect(["BundleInvalid", "ReleaseMismatch", "PathRefused", "PathNotInLayout"]).toContain(
          refusal.code,
        );
      }),
    );
  });

  test.each([
    ["cut short", () => Buffer.from(bytes).subarray(0, -1), "it ends inside"],
    ["with more at its end", () => Buffer.concat([bytes, Buffer.from("x")]), "1 bytes follow"],
    ["without a manifest", () => Buffer.from("hello"), "it has no manifest"],
    ["empty", () => Buffer.alloc(0), "it has no manifest"],
    [
      "of another format",
      () => rebuilt((value) => ({ ...value, format: "rehearsal-release/2" })),
      "its manifest",
    ],
    ["with an unknown key", () => rebuilt((value) => ({ ...value, extra: 1 })), "extra"],
    [
      "with files out of order",
      () => rebuilt((value) => ({ ...value, files: value.files.toReversed() })),
      "not in order",
    ],
    [
      "with spaces",
      () =>
        rebuilt(
          (value) => value,
          (value) => JSON.stringify(value, null, 1).replaceAll("\n", " "),
        ),
      "not canonical",
    ],
    [
      "of another project's name",
      () => rebuilt((value) => ({ ...value, project: "other" })),
      'says project "other"',
    ],
  ])("%s", async (_, make, reason) => {
    const refusal = await refusalOf(() => readBundle(make()));
    expect(refusal).toMatchObject({ code: "BundleInvalid", hint: expect.stringContaining("build it anew") });
    expect(refusal.message).toContain(reason);
  });

  test("a key twice in the manifest, which JSON readers disagree on, is refused", async () => {
    const text = Buffer.from(bytes).toString("latin1").replace('"project":', '"project":"x","project":');
    expect(await refusalOf(() => readBundle(Buffer.from(text, "latin1")))).toMatchObject({
      code: "BundleInvalid",
    });
  });

  test("a sound bundle of another release is refused under this one's hash", async () => {
    const other = buildBundle(files.slice(0, 2));
    const refusal = await refusalOf(() => readBundle(other.bytes, hash));
    expect(refusal).toMatchObject({
      code: "ReleaseMismatch",
      hint: expect.stringContaining("nothing is promoted"),
    });
    expect(refusal.message).toContain(other.hash);
  });

  test.each(["../x", "/etc/passwd", "migrations/notes.txt"])(
    "abuse 7: a manifest that names %s is refused, whatever its hashes say",
    async (path) => {
      const changed = rebuilt((value) => ({
        ...value,
        files: value.files.map((file, index) => (index === 0 ? { ...file, path } : file)),
      }));
      expect((await refusalOf(() => readBundle(changed))).code).toMatch(/^Path/);
    },
  );
});

test("abuse 8: a bundle is not built of colliding paths, nor read", async () => {
  const twice = [...files, { path: "migrations/0001_A.sql", bytes: Buffer.from("select 1") }];
  expect(await refusalOf(() => buildBundle(twice))).toMatchObject({
    code: "PathsCollide",
    hint: expect.stringContaining("rename one"),
  });
});

test("abuse 11: nothing makes no release", async () => {
  expect(await refusalOf(() => buildBundle([]))).toMatchObject({
    code: "ProjectMissing",
    hint: expect.stringContaining("rehearsal init"),
  });
});
