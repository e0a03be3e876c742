import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Baseline, compareBaselines, totalRows } from "../../core/baseline.ts";
import type { DatabaseAddress } from "../../core/database-url.ts";
import { quoteQualified } from "../../core/names.ts";
import type { Project } from "../../core/project.ts";
import type { StoreDefinition } from "../../core/store/definition.ts";
import * as documents from "../../examples/documents/generate.ts";
import * as quilltap from "../../examples/quilltap/generate.ts";
import * as selenite from "../../examples/selenite/generate.ts";
import { readBaseline } from "../../io/postgres/baseline.ts";
import { openSession, type Session } from "../../io/postgres/session.ts";
import { openJsonStore } from "../../io/store/json-store.ts";
import { exportStore } from "../../io/store/move/export.ts";
import { importStore } from "../../io/store/move/import.ts";
import { verifyStore } from "../../io/store/move/verify.ts";
import { openPlace } from "../../io/store/open-place.ts";
import { dropDatabases, execute, freshDatabase, newestServer } from "../postgres.ts";
import { apply, exampleProject } from "./example-project.ts";

interface Case {
  name: string;
  releases: string[];
  /** Its generator's rows are those of the first release. */
  fill: (session: Session) => Promise<void>;
  /** What the later releases made room for. */
  more?: string;
}

const CASES: Case[] = [
  {
    ...{ name: "selenite", releases: ["2-two-factor", "3-files"] },
    fill: (session) => selenite.fillProduction(session, { jobs: 120 }),
    more: `update users set totp_secret = decode(md5(username), 'hex'), totp_confirmed_at = '2026-01-01 00:00:00.000001Z' where id % 2 = 0;
      insert into backup_codes (user_id, code_hash) select id, md5(email) from users`,
  },
  {
    ...{ name: "documents", releases: ["2-target", "3-files"] },
    fill: (session) => documents.fillProduction(session, { files: 300 }),
    more: "update files set updated_at = updated_at + interval '1 microsecond'",
  },
  {
    ...{ name: "quilltap", releases: ["2-inventory"] },
    fill: (session) => quilltap.fillProduction(session, { messages: 600 }),
  },
];

describe.each(CASES)("$name", ({ name, releases, fill, more }) => {
  let first: Project;
  let project: Project;
  let production: DatabaseAddress;
  let folder: string;

  beforeAll(async () => {
    [first, project] = [await exampleProject(name), await exampleProject(name, ...releases)];
    production = await freshDatabase(newestServer());
    folder = await mkdtemp(join(tmpdir(), `${name}-`));
    await apply(production, first);
    await within(production, fill);
    await apply(production, project, first.migrations.length);
    if (more !== undefined) await execute(production, more);
  });

  afterAll(async () => {
    await dropDatabases(production);
    await rm(folder, { recursive: true });
  });

  test("by its store.yaml alone its data becomes files, is what the database holds, and becomes a database again", async () => {
    const { store: definition } = project;
    if (definition === undefined) throw new Error("the example has no store.yaml");
    const place = await openPlace(join(folder, "store"));
    const about = { application: "test", definition, place };
    const exported = await exportStore({ ...about, id: "once", address: production });
    const before = await within(production, (session) => readBaseline(session));
    expect(exported.rows).toBe(totalRows(ofModels(before, definition)));

    const store = await openJsonStore({ place, definition, as: "follower" });
    const found = await verifyStore({ store, database: { application: "test", address: production } });
    expect(found.problems).toEqual([]);
    expect(found.verified).toBe(true);
    await store.close();

    const again = await freshDatabase(newestServer());
    try {
      await apply(again, project);
      const from = await openPlace(join(folder, "store"));
      // Migrations may have put rows there.
      await importStore({ ...about, place: from, address: again, replace: true });
      await from.close();
      const after = await within(again, (session) => readBaseline(session));
      expect(compareBaselines(ofModels(before, definition), ofModels(after, definition))).toEqual([]);
    } finally {
      await dropDatabases(again);
    }
  });
});

/** What the baseline says of the models' tables; the others are a change feed's. */
function ofModels(baseline: Baseline, { models }: StoreDefinition): Baseline {
  const names = models.map(({ schema, table }) => quoteQualified(schema, table));
  const of = <T>(found: Record<string, T>, is: (name: string) => boolean) =>
    Object.fromEntries(Object.entries(found).filter(([name]) => is(name)));
  return {
    ...baseline,
    tables: of(baseline.tables, (name) => names.includes(name)),
    sequences: of(baseline.sequences, (name) => !name.startsWith('"public"."changes_')),
  };
}

async function within<T>(address: DatabaseAddress, work: (session: Session) => Promise<T>): Promise<T> {
  const session = await openSession(address, { application: "test" });
  try {
    return await work(session);
  } finally {
    await session.close();
  }
}
