/** What a step has to say may be long; what Step Functions carries may not. */
import { afterAll, beforeAll, expect, test } from "vitest";
import type { DatabaseAddress } from "../../core/database-url.ts";
import { dropDatabases, freshDatabase, newestServer } from "../postgres.ts";
import { contentOf } from "../service/content.ts";
import { LocalService } from "../service/local-service.ts";
import { expectSettled, expectUntouched } from "../service/outcome.ts";
import { PROJECT, SCHEMA } from "../service/project.ts";

const server = newestServer();
const made: DatabaseAddress[] = [];
let service: LocalService;

beforeAll(async () => {
  service = await new LocalService(server.address, "large").start();
});

afterAll(async () => {
  await service.stop();
  await dropDatabases(...made);
});

async function environment(name: string): Promise<DatabaseAddress> {
  const address = await freshDatabase(server, SCHEMA, `large_${name}_${process.pid}`);
  made.push(address);
  await service.register(name, address);
  return address;
}

/** An artifact of the promotion, by its name there. */
async function artifact(id: string, name: string): Promise<string> {
  const response = await fetch(`${service.url}/promotions/${id}/artifacts/${name}`, {
    headers: { authorization: `Bearer ${service.keys.operator}` },
  });
  expect([name, response.status]).toEqual([name, 200]);
  return response.text();
}

test("fault 10: an outcome over 256 KiB travels as a pointer to the bucket, and the promotion goes on", async () => {
  await environment("areas");
  // As many as an inventory may name, each as long as may be, in letters of three bytes.
  const areas = Array.from({ length: 100 }, (_, n) => `${"倉".repeat(890)}${n}/`);
  const inventory = `storage:
${areas.map((prefix) => `  - { prefix: "${prefix}", purpose: files }`).join("\n")}
`;
  const release = await service.release({ ...PROJECT, "inventory.yaml": inventory });
  const id = await service.promote("areas", release);
  const detail = await service.until(id, "promoted");
  await expectSettled(service, detail);
  const { outcome } = detail.steps.find(({ step }) => step === "admit") ?? {};
  expect(outcome).toMatchObject({
    pending: 3,
    fence: false,
    unguarded: areas.slice(0, 8).map((area) => `${area.slice(0, 300)}… (${area.length} characters)`),
    whole: { key: `promotions/${id}/admit/1/outcome.json` },
  });
  const whole = JSON.parse(await artifact(id, "admit/1/outcome.json")) as {
    outcome: { unguarded: string[] };
  };
  expect(Buffer.byteLength(JSON.stringify(whole))).toBeGreaterThan(256 * 1024);
  expect(whole.outcome.unguarded).toEqual(areas);
});

test("fault 10: an error of which the server has 800 kB to say is told in its first words, and production is as it was", async () => {
  const address = await environment("words");
  const before = await contentOf(address);
  const release = await service.release({
    "rehearsal.yaml": "project: videos\n",
    "migrations/0001_words.sql": "do $$ begin raise exception 'no: %', repeat('ä', 400000); end $$;\n",
  });
  const id = await service.promote("words", release);
  const detail = await service.until(id, "refused");
  expect(detail.error).toMatchObject({
    code: "MigrationFailed",
    message: expect.stringContaining("no: äää"),
    hint: expect.stringContaining("mend this statement in a new release"),
  });
  expect(Buffer.byteLength(JSON.stringify(detail))).toBeLessThan(32 * 1024);
  await expectUntouched(service, detail, address, before);
});
