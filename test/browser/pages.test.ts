/** Every page of the console as it looks: in light and dark, wide and narrow, to those who see it and to those who hear it. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { DatabaseAddress } from "../../core/database-url.ts";
import { dropDatabases, execute, freshDatabase, newestServer } from "../postgres.ts";
import { contentOf } from "../service/content.ts";
import { LocalService } from "../service/local-service.ts";
import { OUTSIDE, PROJECT, SCHEMA } from "../service/project.ts";
import { Desk } from "./desk.ts";
import { withAxe, wrongWith } from "./look.ts";

const server = newestServer();
const made: DatabaseAddress[] = [];
let service: LocalService;
let desk: Desk;
/** Promotions by how they stand. */
const ids = { waiting: "", promoted: "", refused: "", "rolled-back": "" };

const INVENTORY = {
  "inventory.yaml": `owner: the library
tables:
  videos:
    purpose: what can be watched
    classification: public
    columns: { id: internal, title: public }
  segments:
    purpose: what is said when
    classification: confidential
    columns: { id: internal, video: internal, starts: internal, text: confidential, speaker: personal }
  speakers:
    purpose: who says it
    classification: personal
    columns: { id: internal, name: personal }
`,
};

const QUERIES = {
  "queries/said.sql": `-- What was said, and by whom.
-- rehearsal: parameter word text = '': somewhere in it
-- rehearsal: parameter since date optional
-- rehearsal: parameter anonymous boolean optional: without a speaker
select s.*, now() as read from segments as s
  where position(:word in s.text) > 0 and (:since is null or now() >= :since) and (:anonymous is null or :anonymous)`,
};

const RETENTION = `retention:
  videos:
    root: videos
    archived: { title: done }
    since: archived_at
    keep: [{ table: speakers }]
    prune: [{ table: segments }]
`;

/** A prune that has ended, of what staging runs now, with what went of its records and why one was left; and a hold. */
async function pruned(release: string): Promise<string> {
  const id = "x261121abcdefgh";
  await execute(
    service.control,
    `update ledger.environments set release = '${release}' where name = 'staging';
      insert into ledger.prunes (id, environment, policy, release, digest, trigger, mode, requested_by, status, counts, ended_at)
        values ('${id}', 'staging', 'videos', '${release}', '', 'sweep', 'prune', 'operator', 'pruned',
          '{"records": {"pruned": 1, "refused": 1}, "rows": 1234, "objects": 2, "bytes": 4096}', now());
      insert into ledger.prune_records (prune, record, environment, policy, batch, status, candidates, deleted, bundle, error) values
        ('${id}', '1', 'staging', 'videos', 1, 'pruned', '{"rows": {"segments": 1234}, "objects": 2, "bytes": 4096, "kept": {"segments": 3}}',
          '{"rows": {"segments": 1234}, "objects": 2, "bytes": 4096}', '{"key": "k", "sha256": "${"0".repeat(64)}", "bytes": 999}', null),
        ('${id}', '2', 'staging', 'videos', 1, 'refused', null, null, null,
          '{"code": "RecordHeld", "message": "it is held", "hint": "an admin may release it", "facts": {}}');
      insert into ledger.holds (id, environment, policy, record, reason, placed_by) values ('h261121abcdefgh', 'staging', 'videos', '2', 'case 7', 'operator')`,
  );
  return id;
}

/** A store of staging's data that was compared, and the task that did. */
async function stored(release: string): Promise<void> {
  await execute(
    service.control,
    `insert into ledger.tasks (id, kind, environment, input, requested_by, status) values
        ('t261121abcdefgh', 'store-verify', 'staging', '{}', 'operator', 'succeeded');
      insert into ledger.stores (id, environment, release, place, phase, facts, verified_at) values
        ('s261121abcdefgh', 'staging', '${release}', '{"prefix": "first"}', 'verified',
          '{"feed": "public.changes", "rows": 1234, "lag": {"changes": 0, "syncedAt": "2026-11-21T10:00:00.000Z"},
            "verification": {"task": "t261121abcdefgh", "differences": 0}}', now())`,
  );
}

async function environment(
  name: string,
  policy: object,
  role: "prod" | "dev" = "prod",
): Promise<DatabaseAddress> {
  const address = await freshDatabase(server, SCHEMA, `look_${name}_${process.pid}`);
  made.push(address);
  await service.register(name, address, policy, role);
  return address;
}

beforeAll(async () => {
  service = await new LocalService(server.address, "look").start();
  desk = await Desk.open(service, "look-windows");
  const release = await service.release(PROJECT);
  const staging = await environment("staging", {}, "dev");
  await environment("prod", { decision: "approval" });
  ids.waiting = await service.promote("prod", release);
  ids.promoted = await service.promote(
    "staging",
    await service.release({ ...PROJECT, ...INVENTORY, ...QUERIES }),
  );
  await service.until(ids.promoted, "promoted");
  const broken = {
    "migrations/0003_unique.sql": "alter table segments add constraint one_text unique (text);",
  };
  ids.refused = await service.promote("staging", await service.release({ ...PROJECT, ...broken }));
  await service.until(ids.refused, "refused");
  await service.until(ids.waiting, "waiting");
  await execute(staging, "create table stray (id int); create index stray_id on stray (id)");
  await service.must("GET", "/environments/staging/drift");
});

afterEach(() => {
  expect(desk.faults).toEqual([]);
});

afterAll(async () => {
  await desk?.close();
  await service.stop();
  await dropDatabases(...made);
});

test("a running promotion of prod goes back when its name is typed, and not for any other word", async () => {
  const address = await environment("back", {});
  const before = await contentOf(address);
  const migrated = service.gate("migrate:effect");
  const id = await service.promote("back", await service.release({ ...PROJECT, ...OUTSIDE }));
  ids["rolled-back"] = id;
  made.push({ ...address, database: `${address.database}__failed_${id}` });
  await migrated.reached();
  const operator = await desk.signedIn("operator");
  await operator.goto(`/console/promotions/${id}`);
  const confirm = operator.getByLabel("Type back to confirm");
  await confirm.fill("prod");
  await operator.getByRole("button", { name: "Roll back" }).click();
  const alert = operator.getByRole("alert");
  await alert.getByText("ConfirmationMissing").waitFor();
  expect(await alert.textContent()).toMatch(/"prod" is not the environment.*Say its name: --confirm back/s);
  expect(await confirm.inputValue()).toBe("prod");
  await confirm.fill("back");
  await operator.getByRole("button", { name: "Roll back" }).click();
  await operator.getByText("A rollback was asked for; the next step heeds it.").waitFor();
  migrated.open();
  await operator.locator("#promotion[data-over] #step-roll-back.good").waitFor();
  expect(await operator.title()).toBe("rolled-back: promotion of back · Rehearsal");
  expect(await contentOf(address)).toEqual(before);
});

describe("every page", () => {
  test("breaks no rule of accessibility in either theme, and fits into 360 pixels", async () => {
    const reviewer = await desk.signedIn("reviewer");
    await withAxe(reviewer.context());
    const { backups } = await service.must<{ backups: { id: string }[] }>("GET", "/backups?limit=1");
    const inventory = { "inventory.yaml": `${INVENTORY["inventory.yaml"]}${RETENTION}` };
    const release = await service.release({ ...PROJECT, ...QUERIES, ...inventory });
    const prune = await pruned(release);
    await stored(release);
    const wrong: string[] = [];
    for (const path of [
      "/console",
      "/console/promotions",
      "/console/promotions?environment=staging",
      ...Object.values(ids).map((id) => `/console/promotions/${id}`),
      "/console/environments/staging",
      "/console/environments/prod",
      "/console/environments/staging/promote",
      "/console/backups",
      `/console/backups/${backups[0]?.id}`,
      "/console/prunes",
      "/console/prunes?environment=staging",
      `/console/prunes/${prune}`,
      "/console/environments/staging/prunes",
      "/console/environments/prod/prunes",
      "/console/environments/staging/store",
      "/console/environments/prod/store",
      "/console/inventory",
      "/console/inventory/staging",
      "/console/inventory/staging?sizes=now",
      "/console/environments/staging/queries",
      "/console/environments/staging/reports",
      "/console/environments/staging/queries/said",
      "/console/people",
      "/console/log",
      "/console/no-such-page",
      "/reference",
    ]) {
      const answer = await reviewer.goto(path);
      if (answer?.status() !== (path.endsWith("/no-such-page") ? 404 : 200))
        wrong.push(`${path}: ${answer?.status()}`);
      wrong.push(...(await wrongWith(reviewer)).map((line) => `${path}: ${line}`));
    }
    await reviewer.goto("/console/log");
    await reviewer.getByRole("button", { name: "Prove" }).click();
    await reviewer.getByText("Entries proved").waitFor();
    wrong.push(...(await wrongWith(reviewer)));
    await reviewer.goto("/console/environments/staging/queries/said");
    await reviewer.getByRole("button", { name: "Show" }).click();
    await reviewer.getByText("What it found").first().waitFor();
    wrong.push(...(await wrongWith(reviewer)));
    await reviewer.goto("/console/people");
    await reviewer.getByLabel("What it is for").fill("a night's work");
    await reviewer.getByRole("button", { name: "Make a key" }).click();
    await reviewer.getByText("no page shows it again").waitFor();
    wrong.push(...(await wrongWith(reviewer)));
    const nobody = await desk.window();
    await withAxe(nobody.context());
    await nobody.goto("/console");
    wrong.push(...(await wrongWith(nobody)).map((line) => `${nobody.url()}: ${line}`));
    expect(wrong).toEqual([]);
  });

  test("has the colours that were chosen, whatever the system's are, until others are", async () => {
    const reviewer = await desk.signedIn("reviewer", { colorScheme: "light" });
    const ground = () => reviewer.evaluate<string>("getComputedStyle(document.body).backgroundColor");
    const light = await ground();
    await reviewer.goto("/console/promotions?environment=prod");
    await reviewer.getByRole("button", { name: "Dark" }).click();
    await reviewer.locator("[data-theme=dark]").waitFor();
    expect(new URL(reviewer.url()).search).toBe("?environment=prod");
    const dark = await ground();
    expect(dark).not.toBe(light);
    await reviewer.goto("/console");
    expect(await ground()).toBe(dark);
    await reviewer.getByRole("button", { name: "As the system has it" }).click();
    await reviewer.locator("[data-theme=system]").waitFor();
    expect(await ground()).toBe(light);
  });

  test("runs nothing and fetches nothing that is put into it", async () => {
    const reviewer = await desk.signedIn("reviewer");
    await reviewer.evaluate(INTRUDERS);
    expect(await reviewer.evaluate("globalThis.intruded")).toBeUndefined();
    // What every other test counts on to be told.
    expect(desk.faults.splice(0).join("\n")).toMatch(/script-src/);
  });
});

const INTRUDERS = `(async () => {
  const script = document.createElement("script");
  script.textContent = "globalThis.intruded = 'a script'";
  const image = document.createElement("img");
  const told = new Promise((resolve) => image.addEventListener("error", resolve));
  image.src = "http://elsewhere.invalid/";
  document.body.append(script, image);
  await told;
})()`;
