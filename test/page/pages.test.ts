/**
 * What the console shows and does without a script, to whom, and what becomes of hostile words on the way.
 * Long because all of it happens in one world, whose start costs more than any case, and which each case leaves fuller.
 */
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { databaseUrl } from "../../core/database-url.ts";
import { toErrorRecord } from "../../core/errors.ts";
import { holdBackup, insertBackup, markBackup } from "../../io/ledger/backups.ts";
import { updateEnvironment } from "../../io/ledger/environments.ts";
import { lockPeople, readPerson, replaceGrants } from "../../io/ledger/people.ts";
import { updatePromotion } from "../../io/ledger/promotions.ts";
import { ask, end, start } from "../api/course.ts";
import {
  bundleOf,
  KEY,
  keepPerson,
  openWorld,
  registerFresh,
  uploadRelease,
  type World,
} from "../api/world.ts";
import { dropDatabases, execute, freshDatabase, newestServer } from "../postgres.ts";
import { alertOf, Guest, hasForm, linkOf, secretOf, shown } from "./guest.ts";

const INVENTORY = `owner: the library team
tables:
  books:
    purpose: What can be borrowed
    classification: public
    columns: { id: , title: { note: as it is printed } }
  readers:
    purpose: Who may borrow
    classification: personal
    columns: { id: , email: }
storage:
  - { prefix: covers/, purpose: Pictures, keep: never-delete }
configuration:
  - { name: nginx.conf, capture: manual, recorded: the wiki }
`;

let world: World;
let release: string;
let other: string;
let admin: Guest;

beforeAll(async () => {
  world = await openWorld();
  admin = new Guest(world);
  await admin.signIn(KEY);
});

afterAll(async () => {
  await world.close();
});

/** Somebody who holds these roles, signed in. */
async function visitorWith(
  name: string,
  ...grants: { environment: string; role: "viewer" | "promoter" | "approver" | "admin" }[]
) {
  await keepPerson(world.ledger, name, `rk_${name}`, grants);
  const visitor = new Guest(world);
  await visitor.signIn(`rk_${name}`);
  return visitor;
}

async function backup(environment: string, id: string) {
  await insertBackup(world.ledger, {
    ...{
      id,
      environment,
      manifestKey: `backups/${environment}/${id}/manifest.json`,
      manifestSha256: "0".repeat(64),
    },
    ...{ bytes: 1_536, rawBytes: 4_096, rows: 1_234, retention: "manual" },
  });
}

test("an overview of nothing tells how to begin", async () => {
  const { text } = await shown(admin, "/console");
  expect(text).toContain("Nothing is registered yet");
  for (const command of [
    "rehearsal init",
    "rehearsal env add prod --role prod",
    "rehearsal promote prod --watch",
  ])
    expect(text).toContain(command);
});

describe("with two environments", () => {
  beforeAll(async () => {
    const shop = await registerFresh(world, "shop");
    await execute(
      shop,
      "create table books (id int primary key, title text); insert into books select 1, 'one'",
    );
    await registerFresh(world, "live", {
      role: "prod",
      policy: { decision: "approval", hooks: { stop: "https://robot:hush@hooks.example/stop?token=hush" } },
    });
    release = await uploadRelease(world, bundleOf({ "inventory.yaml": INVENTORY }));
    other = await uploadRelease(world);
    await updateEnvironment(world.ledger, "shop", { state: "canonical", release });
  });

  test("the overview has a line for each, and says first what wants a person", async () => {
    const { id } = await start(world, "live", other);
    await ask(world, id);
    const page = await shown(admin, "/console");
    expect(page.text).toMatch(/live\s*waits for an approval/);
    expect(page.text).toMatch(/shop\s*has no verified backup/);
    expect(linkOf(page, "read what was rehearsed")).toBe(`/console/promotions/${id}`);
    expect(linkOf(page, "shop")).toBe("/console/environments/shop");
    expect(page.text).toContain("approval wanted");
    expect(page.text).toContain("not checked");
    await end(world, id, "held");
    expect((await shown(admin, "/console")).text).toMatch(/live\s*is held, and wants an operator/);
    await end(world, id);
    await backup("shop", "b1");
    await markBackup(world.ledger, "b1", "verified", { by: "restore", restoreSeconds: 2.5 });
    const later = await shown(admin, "/console");
    expect(later.text).not.toMatch(/shop\s*has no verified backup/);
    expect(later.elements.some(({ attributes }) => attributes.href === "/console/backups/b1")).toBe(true);
  });

  test("a check of drift is remembered until something else is promised", async () => {
    const before = await shown(admin, "/console");
    const done = await admin.submit(before, "/console/environments/shop/drift");
    expect([done.status, done.to]).toEqual([303, "/console/environments/shop?done=drift#drift"]);
    const page = await shown(admin, "/console/environments/shop?done=drift");
    expect(page.text).toContain("Drift was checked just now");
    expect(page.text).toContain("4 differences");
    expect(page.text).toContain('drop table "public"."books"');
    expect((await shown(admin, "/console")).text).toMatch(/shop\s*has drifted/);
    const [{ fingerprint = "" } = {}] = await world.ledger.query<{ fingerprint: string }>(
      "select fingerprint from ledger.environments where name = 'shop'",
    );
    await updateEnvironment(world.ledger, "shop", { state: "canonical", fingerprint: "0".repeat(64) });
    const overtaken = await shown(admin, "/console");
    expect(overtaken.text).toContain("not checked since it was promoted");
    expect(overtaken.text).not.toMatch(/shop\s*has drifted/);
    await updateEnvironment(world.ledger, "shop", { state: "canonical", fingerprint });
  });

  test("an environment tells its policy in words, and the secrets of its hooks to admins alone", async () => {
    const page = await shown(admin, "/console/environments/live");
    expect(page.text).toContain("a person approves what was rehearsed, within 24 h");
    expect(page.text).toContain("whoever asked cannot approve");
    expect(page.text).toContain("token=hush");
    const viewer = await visitorWith("onlooker", { environment: "*", role: "viewer" });
    const seen = await shown(viewer, "/console/environments/live");
    expect(seen.text).toContain("https://hooks.example/stop");
    expect(seen.source).not.toContain("hush");
  });

  test("a promotion is started from the page, once for however many presses", async () => {
    const form = await shown(admin, "/console/environments/shop/promote");
    const action = "/console/environments/shop/promote";
    const typed = { release };
    const [first, second] = [
      await admin.submit(form, action, typed),
      await admin.submit(form, action, typed),
    ];
    expect(first.status).toBe(303);
    expect(first.to).toMatch(/^\/console\/promotions\/p[0-9a-z]+$/);
    expect(second.to).toBe(first.to);
    const id = first.to?.split("/").at(-1) ?? "";
    const [row] = await world.ledger.query(
      `select environment, release, seed, requested_by as "by" from ledger.promotions where id = $1`,
      [id],
    );
    expect(row).toEqual({ environment: "shop", release, seed: false, by: "tester" });
    // While it runs the overview is looked at anew, by a script or without one.
    const moving = await shown(admin, "/console");
    expect(moving.source).toContain('id="current" data-again="3"');
    expect(moving.source).toContain('<noscript><meta http-equiv="refresh" content="10"></noscript>');
    // Another one while it runs is refused on the form, with what was chosen still chosen.
    const again = await shown(admin, action);
    const refused = await admin.submit(again, action, { release: other, seed: "yes" });
    expect([refused.status, refused.problems]).toEqual([409, []]);
    expect(alertOf(refused)).toContain(`EnvironmentLocked`);
    const chosen = refused.elements.find(
      ({ name, attributes }) => name === "option" && "selected" in attributes,
    );
    expect(chosen?.attributes.value).toBe(other);
    const seed = refused.elements.find(({ attributes }) => attributes.id === "seed");
    expect(seed !== undefined && "checked" in seed.attributes).toBe(true);
    await end(world, id);
    const still = await shown(admin, "/console");
    expect([still.source.includes('data-again="30"'), still.source.includes("<noscript>")]).toEqual([
      true,
      false,
    ]);
    const odd = await admin.submit(again, action, { release: "'; drop table" });
    expect([odd.status, alertOf(odd)?.includes("InputInvalid")]).toEqual([400, true]);
    // No seeds for production: the page does not offer it, and refuses it.
    expect((await shown(admin, "/console/environments/live/promote")).source).not.toContain('name="seed"');
    const prod = await admin.submit(
      await shown(admin, "/console/environments/live/promote"),
      "/console/environments/live/promote",
      { seed: "yes", release },
    );
    expect(alertOf(prod)).toContain("SeedsOnProd");
  });

  test("promotions are paged and narrowed to one environment by links and a form that only reads", async () => {
    for (let count = 0; count < 52; count++) await end(world, (await start(world, "shop", release)).id);
    const first = await shown(admin, "/console/promotions?environment=shop");
    const older = linkOf(first, "Older promotions") ?? "";
    expect(older).toMatch(/^\/console\/promotions\?environment=shop&before=p[0-9a-z]+$/);
    const second = await shown(admin, older);
    expect(linkOf(second, "Newest promotions")).toBe("/console/promotions?environment=shop");
    expect(linkOf(second, "Older promotions")).toBeUndefined();
    const ids = [first, second].map(({ source }) =>
      [...source.matchAll(/href="\/console\/promotions\/(p[0-9a-z]+)"/g)].map(([, id]) => id),
    );
    expect(ids[0]).toHaveLength(50);
    expect(new Set(ids.flat()).size).toBe(ids.flat().length);
    expect((await shown(admin, "/console/promotions?environment=")).text).toContain("live");
    const odd = await admin.get("/console/promotions?before=%00");
    expect([odd.status, odd.problems, alertOf(odd)?.includes("InputInvalid")]).toEqual([400, [], true]);
  });

  test("backups tell when they were verified, how large they are, how long a restore took, and are verified again", async () => {
    await backup("shop", "b2");
    await holdBackup(world.ledger, "b2", "for the auditors", "tester");
    const list = await shown(admin, "/console/backups?environment=shop");
    for (const words of [
      "by a restore that was compared",
      "1.5 KiB",
      "1,234",
      "2.5 s",
      "written, not verified",
      "for the auditors",
    ])
      expect(list.text).toContain(words);
    const sent = await admin.submit(list, "/console/backups/b2/verify");
    expect(sent.to).toBe("/console/backups/b2?done=verify");
    expect((await admin.submit(list, "/console/backups/b2/verify")).to).toBe(sent.to);
    const [tasks] = await world.ledger.query(
      "select count(*)::int as n from ledger.tasks where backup = 'b2' and kind = 'verify'",
    );
    expect(tasks).toEqual({ n: 1 });
    // Its manifest is not there: what is known of it is shown all the same.
    const one = await shown(admin, "/console/backups/b2?done=verify");
    expect(alertOf(one)).toContain("BackupObjectMissing");
    expect(one.text).toContain("starting");
    const none = await admin.get("/console/backups/b3");
    expect([none.status, alertOf(none)?.includes("NotFound")]).toEqual([404, true]);
  });

  test("the inventory is searched, and told with sizes where they are asked for", async () => {
    const all = await shown(admin, "/console/inventory/shop");
    expect(all.text).toContain("2 of 2");
    expect(all.text).toContain("the copy lies at the wiki");
    expect(all.text).not.toContain("not there");
    const some = await shown(admin, "/console/inventory/shop?q=PRINTED");
    expect(some.text).toContain("1 of 2");
    expect(some.text).not.toContain("Who may borrow");
    expect(some.elements.find(({ name }) => name === "details")?.attributes).toHaveProperty("open");
    const sized = await shown(admin, "/console/inventory/shop?sizes=now");
    expect(sized.text).toContain("not there");
    expect(sized.text).toMatch(/departs? from what is there/);
    expect(sized.text).toContain("the table readers is declared, and there is none");
    expect((await shown(admin, "/console/inventory/live")).text).toContain("rehearsal inventory init live");
    expect(linkOf(await shown(admin, "/console/inventory"), "shop")).toBe("/console/inventory/shop");
  });

  test("the log is told newest first, narrowed, paged, and proved", async () => {
    await world.call("PATCH", "/environments/shop", { policy: {} });
    const page = await shown(admin, "/console/log?environment=shop");
    expect(page.text.indexOf("environment.policy-changed")).toBeLessThan(
      page.text.indexOf("promotion.created"),
    );
    expect(linkOf(page, "live")).toBeUndefined();
    const older = await shown(admin, linkOf(page, "Older entries") ?? "");
    expect(linkOf(older, "Newest entries")).toBe("/console/log?environment=shop");
    const proved = await admin.submit(page, "/console/log/prove");
    expect([proved.status, proved.problems]).toEqual([200, []]);
    expect(proved.text).toContain("The chain holds");
    expect(proved.text).toContain("Entries proved");
  });
});

describe("people", () => {
  test("are given roles and keys, and a key is on one page alone and in no address", async () => {
    const page = await shown(admin, "/console/people");
    const role = { person: "newcomer", environment: "live", role: "approver" };
    expect((await admin.submit(page, "/console/people/roles", role)).to).toBe("/console/people?done=role");
    const grown = { ...role, environment: "shop", role: "promoter" };
    await admin.submit(page, "/console/people/roles", grown);
    const held = () =>
      world.call<{ people: { name: string; grants: unknown; disabled: boolean }[] }>("GET", "/people");
    const grants = async () => (await held()).body.people.find(({ name }) => name === "newcomer")?.grants;
    expect(await grants()).toEqual([
      { environment: "live", role: "approver" },
      { environment: "shop", role: "promoter" },
    ]);
    const told = await shown(admin, "/console/people?done=role");
    expect(told.text).toContain("approver of live");
    const made = await admin.submit(told, "/console/people/keys", {
      person: "newcomer",
      label: "laptop",
      days: "7",
    });
    expect([made.status, made.problems, made.to]).toEqual([200, [], null]);
    const key = /rk_[a-z0-9]+_[\w-]{43}/.exec(made.text)?.[0] ?? "";
    expect(made.headers.get("cache-control")).toBe("no-store");
    expect((await new Guest(world).signIn(key)).to).toBe("/console");
    // The way around, and the switch of the theme, lead to a page that can be asked for.
    expect(made.source).toContain('name="next" value="/console/people?done=role"');
    const listed = await shown(admin, "/console/people");
    expect(listed.source).not.toContain(key);
    const id = key.split("_")[1] ?? "";
    const revoked = await admin.submit(listed, `/console/people/keys/${id}/revoke`);
    expect(revoked.to).toBe("/console/people?done=revoked");
    expect((await new Guest(world).signIn(key)).status).toBe(401);
    await admin.submit(listed, "/console/people/roles", { ...grown, role: "none" });
    expect(await grants()).toEqual([{ environment: "live", role: "approver" }]);
    await admin.submit(await shown(admin, "/console/people"), "/console/people/newcomer/disable");
    expect((await held()).body.people.find(({ name }) => name === "newcomer")?.disabled).toBe(true);
  });

  test("are given a role in the console while another changes elsewhere, and have both", async () => {
    const page = await shown(admin, "/console/people");
    const role = { person: "twice", environment: "live", role: "viewer" };
    await admin.submit(page, "/console/people/roles", role);
    const given = await world.ledger.transaction(async () => {
      await lockPeople(world.ledger);
      const submitted = admin.submit(page, "/console/people/roles", { ...role, role: "approver" });
      await vi.waitFor(async () => {
        const waiting = await world.ledger.query(
          "select 1 from pg_catalog.pg_locks where relation = 'ledger.people'::pg_catalog.regclass and not granted",
        );
        expect(waiting).toHaveLength(1);
      });
      await replaceGrants(world.ledger, "twice", [{ environment: "shop", role: "viewer" }]);
      // Not awaited here: it waits for this transaction to end.
      return { submitted };
    });
    expect((await given.submitted).to).toBe("/console/people?done=role");
    expect((await readPerson(world.ledger, "twice")).grants).toEqual([
      { environment: "live", role: "approver" },
      { environment: "shop", role: "viewer" },
    ]);
  });

  test("are told nothing that an address makes up, and get no label that the ledger cannot keep", async () => {
    const page = await shown(admin, "/console/people?done=constructor");
    expect(page.source).not.toContain("native code");
    const key = { person: "tester", label: "a\0b", environment: "*", days: "1" };
    const refused = await admin.submit(page, "/console/people/keys", key);
    expect([refused.status, refused.problems]).toEqual([400, []]);
    expect(alertOf(refused)).toMatch(
      /the form is not valid: label: it holds the character U\+0000.*InputInvalid/is,
    );
  });

  test("cannot be left without anybody who administers everything", async () => {
    const page = await shown(admin, "/console/people");
    await world.ledger.query("update ledger.people set disabled_at = now() where name <> 'tester'");
    const refused = await admin.submit(page, "/console/people/tester/disable");
    expect([refused.status, refused.problems]).toEqual([409, []]);
    expect(alertOf(refused)).toContain("LastAdmin");
    expect(alertOf(refused)).toContain("another person the role first");
    await world.ledger.query("update ledger.people set disabled_at = null");
  });
});

describe("who holds little", () => {
  test("sees their own environment alone, and no button that they may not press", async () => {
    const viewer = await visitorWith("watcher", { environment: "shop", role: "viewer" });
    const pages = [
      "/console",
      "/console/promotions",
      "/console/backups",
      "/console/inventory",
      "/console/log",
      "/console/environments/shop",
      "/console/inventory/shop",
    ];
    for (const path of pages) {
      const { source, text } = await shown(viewer, path);
      expect([path, /\blive\b/.test(text)]).toEqual([path, false]);
      expect([
        path,
        /\/(promote|verify|backups|prove)"[^>]*>\s*<input type="hidden" name="csrf"/.test(source),
      ]).toEqual([path, false]);
    }
    const own = await shown(viewer, "/console/environments/shop");
    expect(linkOf(own, "Promote a release")).toBeUndefined();
    expect(hasForm(own, "/console/environments/shop/backups")).toBe(false);
    expect(linkOf(own, "People")).toBeUndefined();
  });

  test("is refused what they may not do, by a page that says what it takes, and the log has it", async () => {
    const viewer = await visitorWith("peeker", { environment: "shop", role: "viewer" });
    const csrf = secretOf(await shown(viewer, "/console"));
    const before = await world.ledger.query("select id from ledger.promotions");
    for (const [path, fields] of [
      ["/console/environments/shop/promote", { release, once: "one" }],
      ["/console/environments/shop/backups", { retention: "manual", once: "two" }],
      ["/console/backups/b1/verify", { once: "three" }],
      ["/console/people/roles", { person: "peeker", environment: "*", role: "admin" }],
      ["/console/people/keys", { person: "tester", label: "x", environment: "*" }],
      ["/console/log/prove", {}],
    ] as const) {
      const refused = await viewer.post(path, { csrf, ...fields });
      expect([path, refused.status, refused.problems, alertOf(refused)?.includes("Forbidden")]).toEqual([
        path,
        403,
        [],
        true,
      ]);
    }
    expect(alertOf(await viewer.get("/console/people"))).toContain("admin");
    expect(await world.ledger.query("select id from ledger.promotions")).toEqual(before);
    const { text } = await shown(admin, "/console/log");
    expect(text).toContain("access.refused");
    expect(text).toContain("peeker");
  });

  test("finds nothing of another environment, whether it is there or not", async () => {
    const refusalsTold = async () => {
      const [row] = await world.ledger.query<{ n: number }>(
        "select count(*)::int as n from ledger.events where type = 'access.refused'",
      );
      return row?.n ?? 0;
    };
    const viewer = await visitorWith("guesser", { environment: "shop", role: "viewer" });
    await backup("live", "b9");
    for (const path of [
      "/console/environments/live",
      "/console/environments/nowhere",
      "/console/inventory/live",
      "/console/backups/b9",
      "/console/backups/b8",
      "/console/promotions?environment=live",
      "/console/log?environment=live",
    ]) {
      const before = await refusalsTold();
      const { status, text } = await viewer.get(path);
      expect([path, status]).toEqual([path, 404]);
      expect(text).toContain("NotFound");
      // What is nowhere is told in the log as what is hidden, and so takes as long.
      expect([path, (await refusalsTold()) - before]).toEqual([path, 1]);
    }
    const told = async (name: string) => {
      const { source } = await viewer.get(`/console/environments/${name}`);
      return source.replaceAll(new RegExp(`(/environments/|&quot;)${name}`, "g"), "$1X");
    };
    expect(await told("live")).toBe(await told("absent"));
  });

  test("and nothing at all sees a page that says so", async () => {
    const nobody = await visitorWith("nothing");
    const { status, problems, text } = await nobody.get("/console");
    expect([status, problems]).toEqual([403, []]);
    expect(text).toContain("Signed in as nothing");
  });

  test("and may promote starts, and may not more", async () => {
    const promoter = await visitorWith("starter", { environment: "shop", role: "promoter" });
    const form = await shown(promoter, "/console/environments/shop/promote");
    const started = await promoter.submit(form, "/console/environments/shop/promote", { release });
    expect(started.status).toBe(303);
    await end(world, started.to?.split("/").at(-1) ?? "");
  });
});

describe("abuse 31: markup in names, notes, policies and SQL stays text on every page of the console", () => {
  const HTML = `<img src=x onerror=alert(1)>"'><script>alert(2)</script>&lt;b&gt;`;
  const MARKDOWN =
    "[click](javascript:alert(3)) ![x](https://elsewhere.example/p.png) <https://elsewhere.example>";
  const SLACK = "<!channel> <https://elsewhere.example|click> *bold* &amp;";
  const WORDS = `${HTML} ${MARKDOWN} ${SLACK}`;

  test("is shown as it was written, on every page that quotes it", async () => {
    const named = `h_${process.pid}_${HTML.slice(0, 28)}`;
    const address = await freshDatabase(
      newestServer(),
      `create table public."${HTML.replaceAll('"', '""')}" (id int)`,
      named,
    );
    const policy = { searchPath: ["public", WORDS], drift: { ignore: [WORDS.slice(0, 300)] } };
    const registered = await world.call("POST", "/environments", {
      name: "hostile",
      role: "dev",
      url: databaseUrl(address),
      policy,
    });
    expect(registered.status).toBe(201);
    await execute(
      address,
      `create table "${`two ${HTML}`.slice(0, 60).replaceAll('"', '""')}" ("${HTML.slice(0, 60).replaceAll('"', '""')}" int)`,
    );
    const quoted = JSON.stringify(WORDS);
    const inventory = `owner: ${quoted}\ntables:\n  ${JSON.stringify(`"${HTML.slice(0, 30).replaceAll('"', "")}"`)}:\n    purpose: ${quoted}\n    classification: personal\n    notesOnChange: ${quoted}\n    columns: { ${JSON.stringify(HTML)}: { note: ${quoted} } }\nstorage:\n  - { prefix: ${JSON.stringify(`p${HTML}`)}, purpose: ${quoted}, keep: ${quoted} }\nconfiguration:\n  - { name: ${quoted}, capture: manual, recorded: ${quoted} }\n`;
    const hostile = await uploadRelease(world, bundleOf({ "inventory.yaml": inventory }));
    await updateEnvironment(world.ledger, "hostile", { state: "canonical", release: hostile });
    const { id } = await start(world, "hostile", hostile);
    await updatePromotion(world.ledger, id, {
      status: "refused",
      error: { ...toErrorRecord(new Error(WORDS)), hint: `${WORDS}\n${WORDS}` },
    });
    await backup("hostile", "bh");
    await holdBackup(world.ledger, "bh", WORDS, WORDS);
    await markBackup(world.ledger, "bh", "refused", {
      error: { ...toErrorRecord(new Error(WORDS)), hint: WORDS },
    });
    await world.call("POST", "/keys", { label: WORDS.slice(0, 100) });
    await admin.submit(await shown(admin, "/console"), "/console/environments/hostile/drift");
    const quotedBy = [
      ["/console", HTML],
      ["/console/environments/hostile", WORDS],
      ["/console/environments/hostile", "two <img src=x onerror=alert(1)>"],
      ["/console/environments/hostile/promote", "library"],
      ["/console/promotions?environment=hostile", WORDS],
      ["/console/backups?environment=hostile", WORDS],
      ["/console/backups/bh", WORDS],
      ["/console/inventory/hostile?sizes=now", WORDS],
      [`/console/inventory/hostile?q=${encodeURIComponent(HTML)}`, HTML],
      ["/console/log", "<img src=x onerror=alert(1)>"],
      ["/console/people", WORDS.slice(0, 100)],
      [
        `/console/sign-in?next=${encodeURIComponent(`/console?${WORDS}`)}&once=${encodeURIComponent(WORDS)}&over=${encodeURIComponent(WORDS)}`,
        "",
      ],
    ];
    for (const [path = "", words = ""] of quotedBy) {
      const page = await shown(admin, path);
      expect([path, page.text.includes(words)]).toEqual([path, true]);
      expect([path, page.elements.filter(({ name }) => name === "img" || name === "b").length]).toEqual([
        path,
        0,
      ]);
      const scripts = page.elements.filter(({ name }) => name === "script");
      expect([path, scripts.length, scripts[0]?.attributes.type]).toEqual([path, 1, "module"]);
      expect([
        path,
        page.elements.filter(({ attributes }) => attributes.href?.includes("elsewhere")),
      ]).toEqual([path, []]);
    }
    // In addresses that nobody's page has, and in forms that are refused.
    const lost = await admin.get(`/console/${encodeURIComponent(HTML)}`);
    expect([lost.status, lost.problems]).toEqual([404, []]);
    const csrf = secretOf(lost);
    const refused = await admin.post("/console/people/roles", {
      csrf,
      person: HTML,
      environment: HTML,
      role: HTML,
    });
    expect([refused.status, refused.problems]).toEqual([400, []]);
    await end(world, id);
    await dropDatabases(address);
  });
});
