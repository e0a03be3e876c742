/** Releases over the API: exactly the announced bytes are uploaded, and nothing is known before it is proved and read. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { releaseKey } from "../../io/ledger/releases.ts";
import { type Announced, announcement, bundleOf, openWorld, uploadRelease, type World } from "./world.ts";

let world: World;

beforeAll(async () => {
  world = await openWorld();
});

afterAll(async () => {
  await world.close();
});

const put = (upload: Announced["upload"], bytes: Uint8Array) =>
  fetch(upload?.url ?? "", {
    method: "PUT",
    headers: upload?.headers ?? {},
    body: new Uint8Array(bytes),
  });

describe("uploading", () => {
  test("is announced, done, and accepted; then it is known", async () => {
    const bundle = bundleOf();
    const announced = await world.call<Announced>("POST", "/releases", announcement(bundle));
    expect(announced.status).toBe(200);
    expect(announced.body).toMatchObject({ hash: bundle.hash, known: false });
    expect((await put(announced.body.upload, bundle.bytes)).status).toBe(200);
    const accepted = await world.call("POST", `/releases/${bundle.hash}`);
    expect(accepted.status).toBe(201);
    expect(accepted.body).toEqual({
      hash: bundle.hash,
      project: "library",
      uploadedBy: "tester",
      createdAt: expect.stringMatching(/Z$/),
    });
    expect((await world.call("POST", `/releases/${bundle.hash}`)).status).toBe(200);
    expect((await world.call("POST", "/releases", announcement(bundle))).body).toEqual({
      hash: bundle.hash,
      known: true,
    });
    expect((await world.call("GET", `/releases/${bundle.hash.slice(0, 8)}`)).body).toEqual(accepted.body);
    const uploaded = await world.ledger.query("select 1 from ledger.events where type = 'release.uploaded'");
    expect(uploaded).toHaveLength(1);
  });

  test("takes no other bytes than those announced", async () => {
    const bundle = bundleOf({ "migrations/0002_two.sql": "create table two (id int);" });
    const { body } = await world.call<Announced>("POST", "/releases", announcement(bundle));
    const other = Buffer.from(bundle.bytes);
    other[other.length - 2] = 33;
    expect((await put(body.upload, other)).status).toBeGreaterThanOrEqual(400);
    const { code, hint } = (await world.call("POST", `/releases/${bundle.hash}`)).body;
    expect(code).toBe("ObjectMissing");
    expect(hint).toContain("upload");
  });

  test("of another size than the manifest's files have is refused before it begins", async () => {
    const bundle = bundleOf();
    const { status, body } = await world.call("POST", "/releases", { ...announcement(bundle), size: 3 });
    expect([status, body.code]).toEqual([422, "BundleInvalid"]);
    expect(body.hint).toContain("rehearsal release");
  });

  test("abuse 9: of five files that are allowed each and too much together is refused before it begins", async () => {
    const bundle = bundleOf();
    const files = [1, 2, 3, 4, 5].map((number) => ({
      path: `migrations/000${number}_x.sql`,
      size: 16 * 1024 ** 2,
      sha256: "0".repeat(64),
    }));
    const manifest = { ...bundle.manifest, files };
    const { status, body } = await world.call("POST", "/releases", { ...announcement(bundle), manifest });
    expect([status, body.code]).toEqual([413, "ReleaseTooLarge"]);
    expect(body.hint).toContain("leave bulk data out");
  });
});

describe("accepting", () => {
  test("abuse 14: a bundle that was tampered with after its upload is refused", async () => {
    const bundle = bundleOf({ "migrations/0002_three.sql": "create table three (id int);" });
    const tampered = Buffer.from(bundle.bytes);
    tampered.write("x", tampered.length - 4);
    await world.store.put(releaseKey(bundle.hash), tampered);
    const { status, body } = await world.call("POST", `/releases/${bundle.hash}`);
    expect([status, body.code]).toEqual([422, "BundleInvalid"]);
    expect(body.hint).toContain("changed after it was built");
  });

  test("abuse 14: another release under its name is refused", async () => {
    const bundle = bundleOf({ "migrations/0002_four.sql": "create table four (id int);" });
    await world.store.put(releaseKey(bundle.hash), bundleOf().bytes);
    const { status, body } = await world.call("POST", `/releases/${bundle.hash}`);
    expect([status, body.code]).toEqual([409, "ReleaseMismatch"]);
    expect(body.facts).toEqual({ expected: bundle.hash, actual: bundleOf().hash });
  });

  test("reads every file, and refuses a bad one with its path and line", async () => {
    const bundle = bundleOf({ "migrations/0002_bad.sql": "select 1;\n\ncommit;\n" });
    await world.store.put(releaseKey(bundle.hash), bundle.bytes);
    const { status, body } = await world.call("POST", `/releases/${bundle.hash}`);
    expect([status, body.code]).toEqual([422, "TransactionControl"]);
    expect(body.detail).toContain("migrations/0002_bad.sql:3");
    expect(body.hint).toContain("remove it");
    expect((await world.call("GET", `/releases/${bundle.hash}`)).status).toBe(404);
  });

  test("abuse 8: entries that collide or come twice are refused", async () => {
    const { manifest, bytes } = bundleOf();
    const [file] = manifest.files;
    const { body } = await world.call("POST", "/releases", {
      ...announcement({ hash: "", bytes, manifest: { ...manifest, files: [file, file] } as typeof manifest }),
      size: 1,
    });
    expect(body.code).toBe("BundleInvalid");
  });
});

test("a list begins with the newest and goes on where it was left", async () => {
  const hashes = [];
  for (const n of [1, 2, 3])
    hashes.unshift(await uploadRelease(world, bundleOf({ "migrations/0002_n.sql": `select ${n};` })));
  type Page = { releases: { hash: string }[]; next: string | null };
  const first = await world.call<Page>("GET", "/releases?limit=2");
  expect(first.body.releases.map(({ hash }) => hash)).toEqual(hashes.slice(0, 2));
  const rest = await world.call<Page>("GET", `/releases?limit=1&cursor=${first.body.next}`);
  expect(rest.body.releases.map(({ hash }) => hash)).toEqual([hashes[2]]);
  const { body } = await world.call("GET", "/releases?limit=201");
  expect(body.code).toBe("InputInvalid");
});
