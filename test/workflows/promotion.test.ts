import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { DatabaseAddress } from "../../core/database-url.ts";
import { dropDatabases, freshDatabase, rows, servers } from "../postgres.ts";
import { contentOf } from "../service/content.ts";
import { PROJECT, SCHEMA } from "../service/project.ts";
import { Service } from "../service/service.ts";

describe.each(servers)("a whole promotion over HTTP on Postgres $major", (server) => {
  let service: Service;
  const made: DatabaseAddress[] = [];

  beforeAll(async () => {
    service = await new Service(server.address, `promotion-${server.major}`).start();
  });

  afterAll(async () => {
    await service.stop();
    await dropDatabases(...made);
  });

  async function environment(name: string, policy: object = {}): Promise<DatabaseAddress> {
    const address = await freshDatabase(server, SCHEMA, `${name}_${server.major}_${process.pid}`);
    made.push(address);
    await service.register(name, address, policy);
    return address;
  }

  test("a release that is sound is promoted, and everything it made for itself is gone", async () => {
    const address = await environment("good");
    const release = await service.release(PROJECT);
    const id = await service.promote("good", release);
    const detail = await service.until(id, "promoted");
    expect(detail.steps.filter((step) => step.status === "succeeded").map((step) => step.step)).toEqual([
      "admit",
      "snapshot",
      "back-up",
      "restore",
      "rehearse",
      "decide",
      "migrate",
      "verify",
      "open",
    ]);
    expect(await rows(address, "select count(*)::int as n from public.speakers")).toEqual([{ n: 2 }]);
    expect(await rows(address, "select state, promotion from rehearsal.identity")).toEqual([
      { state: "canonical", promotion: null },
    ]);
    expect(await rows(address, "select datname from pg_database where datname like $1", [`%${id}%`])).toEqual(
      [],
    );
    const again = await service.promote("good", release);
    await service.until(again, "nothing-to-do");
    expect(await service.must("GET", "/log/verify")).not.toHaveProperty("broken");
  });

  test("a migration that breaks on the copy is refused, and production is as it was", async () => {
    const address = await environment("broken");
    const before = await contentOf(address);
    const release = await service.release({
      ...PROJECT,
      "migrations/0003_unique.sql": "alter table segments add constraint one_text unique (text);",
    });
    const detail = await service.until(await service.promote("broken", release), "refused");
    expect(detail.error).toMatchObject({
      code: "MigrationFailed",
      hint: expect.stringContaining("new release"),
    });
    expect(detail.error?.message).toContain("migrations/0003_unique.sql:1");
    expect(await contentOf(address)).toEqual(before);
  });
});
