/** The console's pages of prunes without a script: what they show to whom, and what their forms begin. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { insertBackup } from "../../io/ledger/backups.ts";
import { updateEnvironment } from "../../io/ledger/environments.ts";
import { listPrunes } from "../../io/ledger/prunes.ts";
import { endedPrune, INVENTORY, testedPolicy } from "../api/prune-rows.ts";
import {
  bundleOf,
  KEY,
  keepPerson,
  openWorld,
  registerFresh,
  uploadRelease,
  type World,
} from "../api/world.ts";
import { alertOf, Guest, hasForm, linkOf, secretOf, shown } from "./guest.ts";

const SHOP = "/console/environments/shop/prunes";
const LIVE = "/console/environments/live/prunes";
const WORDS = `<img src=x onerror=alert(1)>"'><script>alert(2)</script>`;

let world: World;
let admin: Guest;
let viewer: Guest;

beforeAll(async () => {
  world = await openWorld();
  const release = await uploadRelease(world, bundleOf({ "inventory.yaml": INVENTORY }));
  await registerFresh(world, "shop");
  await registerFresh(world, "live", { role: "prod" });
  for (const name of ["shop", "live"])
    await updateEnvironment(world.ledger, name, { state: "canonical", release });
  await registerFresh(world, "bare");
  await keepPerson(world.ledger, "watcher", "rk_watcher", [{ environment: "shop", role: "viewer" }]);
  admin = new Guest(world);
  await admin.signIn(KEY);
  viewer = new Guest(world);
  await viewer.signIn("rk_watcher");
});

afterAll(async () => {
  await world.close();
});

test("an environment's page tells of its policies, and begins a run that only tells", async () => {
  expect((await shown(admin, "/console/environments/bare/prunes")).text).toContain("No release was promoted");
  const page = await shown(admin, SHOP);
  for (const words of ["books", "shelves", "pages", "loans", "30 days", "tells only", "never"])
    expect(page.text).toContain(words);
  expect(linkOf(await shown(admin, "/console/environments/shop"), "prunes, policies and holds")).toBe(SHOP);
  const begun = await admin.submit(page, `${SHOP}/plan`, { policy: "books", record: "7" });
  expect(begun.status).toBe(303);
  const again = await admin.submit(page, `${SHOP}/plan`, { policy: "books", record: "7" });
  expect(again.to).toBe(begun.to);
  const run = await shown(admin, begun.to ?? "");
  for (const words of ["It is under way", "tells", "books", "7", "somebody asked, by tester"])
    expect(run.text).toContain(words);
  expect((await shown(admin, "/console/prunes")).text).toContain("somebody asked");
});

test("what is refused is told on the page with its mend", async () => {
  const page = await shown(admin, SHOP);
  const unread = await admin.submit(page, `${SHOP}/run`, { policy: "books", record: "1" });
  expect([unread.status, unread.problems]).toEqual([400, []]);
  expect(alertOf(unread)).toContain("tick it when you have read what would go");
  const untested = await admin.submit(page, `${SHOP}/run`, { policy: "books", record: "1", sure: "yes" });
  expect([untested.status, untested.problems]).toEqual([409, []]);
  expect(alertOf(untested)).toMatch(/PolicyUntested/);
  expect(alertOf(untested)).toContain("rehearsal prune test books --environment shop");
  const live = await admin.submit(await shown(admin, LIVE), `${LIVE}/run`, {
    policy: "books",
    confirm: "shop",
  });
  expect([live.status, alertOf(live)]).toEqual([422, expect.stringContaining("--confirm live")]);
});

test("a policy is put to a copy of a backup that is chosen, and what came of its tests is told", async () => {
  expect((await shown(admin, SHOP)).text).toContain("A test needs a backup");
  await insertBackup(world.ledger, {
    ...{
      id: "b1",
      environment: "shop",
      manifestKey: "backups/shop/b1/manifest.json",
      manifestSha256: "0".repeat(64),
    },
    ...{ bytes: 1_536, rawBytes: 4_096, rows: 1_234, retention: "manual" },
  });
  const begun = await admin.submit(await shown(admin, SHOP), `${SHOP}/test`, {
    policy: "books",
    backup: "b1",
  });
  expect([begun.status, begun.to]).toEqual([303, `${SHOP}?done=test`]);
  expect((await shown(admin, begun.to ?? "")).text).toContain("starting");
  await testedPolicy(world, "shop");
  expect((await shown(admin, SHOP)).text).toMatch(/passed\s+\d+ s ago, 1 record, 3 rows/);
});

test("holds are placed and released, by whom they may", async () => {
  const page = await shown(admin, SHOP);
  const placed = await admin.submit(page, `${SHOP.replace("/prunes", "/holds")}`, {
    ...{ policy: "books", record: WORDS, reason: WORDS },
  });
  expect(placed.to).toBe(`${SHOP}?done=hold#holds`);
  const held = await shown(admin, SHOP);
  expect(held.text).toContain(WORDS);
  expect(held.elements.some(({ name }) => name === "img")).toBe(false);
  const action =
    held.elements.find(({ attributes }) => attributes.action?.endsWith("/release"))?.attributes.action ?? "";
  const read = await shown(viewer, SHOP);
  expect([
    read.text.includes(WORDS),
    read.elements.some(({ attributes }) => attributes.action?.includes("/holds")),
  ]).toEqual([true, false]);
  const elsewhere = await admin.post(action.replace("/shop/", "/live/"), {
    csrf: secretOf(held),
    reason: "x",
  });
  expect([elsewhere.status, alertOf(elsewhere)]).toEqual([
    404,
    expect.stringContaining("rehearsal prune holds"),
  ]);
  const released = await admin.submit(held, action, { reason: "settled" });
  expect(released.to).toBe(`${SHOP}?done=release#holds`);
  expect((await shown(admin, SHOP)).text).toContain("Nothing is held");
});

test("a prune shows what went of each record, what stayed, and why one failed, and is brought back", async () => {
  const id = await endedPrune(world, "live", 3);
  await world.ledger.query(
    `update ledger.prune_records set status = 'refused', deleted = null,
        error = '{"code": "RecordHeld", "message": "it is held", "hint": "an admin may release it", "facts": {}}'
      where prune = $1 and record = 'r2'`,
    [id],
  );
  const path = `/console/prunes/${id}`;
  const page = await shown(admin, path);
  for (const words of [
    "3 rows of",
    "pages",
    "1 object",
    "1 row of",
    "it is held",
    "an admin may release it",
    "RecordHeld",
  ])
    expect(page.text).toContain(words);
  const wrong = await admin.submit(page, `${path}/restore`, { confirm: "shop" });
  expect([wrong.status, alertOf(wrong)]).toEqual([422, expect.stringContaining("--confirm live")]);
  const back = await admin.submit(page, `${path}/restore`, { confirm: "live" });
  expect(back.status).toBe(303);
  expect((await shown(admin, back.to ?? "")).text).toContain("brings back");
});

test("who may only read sees no form, and of another environment nothing", async () => {
  const id = await endedPrune(world, "shop", 1);
  const page = await shown(viewer, SHOP);
  for (const what of ["plan", "test", "run"]) expect(hasForm(page, `${SHOP}/${what}`)).toBe(false);
  expect(hasForm(await shown(viewer, `/console/prunes/${id}`), `/console/prunes/${id}/restore`)).toBe(false);
  const before = (await listPrunes(world.ledger, { limit: 200 })).length;
  const refused = await viewer.post(`${SHOP}/plan`, { csrf: secretOf(page), policy: "books", once: "x" });
  expect([refused.status, alertOf(refused)]).toEqual([403, expect.stringContaining("Forbidden")]);
  expect((await listPrunes(world.ledger, { limit: 200 })).length).toBe(before);
  const hidden = await endedPrune(world, "live", 1);
  for (const path of [LIVE, `/console/prunes/${hidden}`, "/console/prunes?environment=live"])
    expect([path, (await viewer.get(path)).status]).toEqual([path, 404]);
  expect((await shown(viewer, "/console/prunes")).text).not.toContain("live");
});
