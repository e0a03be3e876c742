/** Files that are sent to the server ahead of its answers, and who is told what. */
import { afterEach, beforeEach, expect, test } from "vitest";
import type { DatabaseAddress } from "../../core/database-url.ts";
import { parseMigration } from "../../core/migration.ts";
import { policySchema } from "../../core/policy.ts";
import { planRuns } from "../../core/runs.ts";
import { type ApplyOptions, applyRuns } from "../../io/postgres/apply.ts";
import type { Observer } from "../../io/postgres/observer.ts";
import type { Session } from "../../io/postgres/session.ts";
import { keepTime } from "../../io/postgres/timeline.ts";
import { rows } from "../postgres.ts";
import { openTarget, type Target } from "./target.ts";

let address: DatabaseAddress;
let session: Session;
let target: Target;

beforeEach(async () => {
  target = await openTarget("create sequence asked");
  ({ address, session } = target);
});

afterEach(() => target.end());

/** By their number: each text is a file. */
async function apply(texts: readonly string[], more: Partial<ApplyOptions> = {}): Promise<void> {
  const files = texts.map((text, place) => parseMigration(pathOf(place + 1), Buffer.from(text)));
  await applyRuns({
    session,
    attempt: { promotion: "p1", step: "migrate", attempt: 1, token: 1 },
    release: "r1",
    runs: planRuns(await Promise.all(files), [], []),
    policy: policySchema.parse({}),
    ...more,
  });
}

const pathOf = (number: number) => `migrations/${String(number).padStart(4, "0")}_file.sql`;

test("the first statement that fails is told with file, line and position, and nothing behind it runs", async () => {
  const good = Array.from(
    { length: 60 },
    (_, place) => `create table many_${place} (x int);\ninsert into many_${place} values (${place});`,
  );
  const bad = "create table fine (x int);\n\n  insert into fine\n values ('no number');";
  const behind = "select nextval('asked'); drop table many_1;";
  const items: string[] = [];
  await expect(
    apply([...good, bad, behind], { onItem: ({ path }) => items.push(path) }),
  ).rejects.toMatchObject({
    code: "MigrationFailed",
    facts: { path: pathOf(61), line: 3, sqlstate: "22P02" },
    hint: expect.stringContaining("insert into"),
    cause: { cause: { position: "27" } },
  });
  expect(items.slice(-2)).toEqual([pathOf(60), pathOf(61)]);
  expect(await rows(address, "select is_called from public.asked")).toEqual([{ is_called: false }]);
  expect(await rows(address, "select 1 from pg_class where relname like 'many\\_%'")).toEqual([]);
});

test("who only listens is told of every statement in its order, each with its own result, and every file is recorded", async () => {
  const count = 40;
  const texts = Array.from(
    { length: count },
    (_, place) =>
      `create table told_${place} (x int); insert into told_${place} select generate_series(1, ${place});`,
  );
  const numbers = texts.map((_, place) => place + 1);
  const told: string[] = [];
  const { observer, times } = keepTime();
  const statementEnded: Observer["statementEnded"] = async (item, statement, result) => {
    await observer.statementEnded?.(item, statement, result);
    told.push(`${item.path} ${statement.index} ${result?.command} ${result?.rowCount}`);
  };
  await apply(texts, { observer: { ...observer, statementEnded } });
  expect(observer.onlyListens).toBe(true);
  expect(told).toEqual(
    numbers.flatMap((number) => [
      `${pathOf(number)} 0 CREATE null`,
      `${pathOf(number)} 1 INSERT ${number - 1}`,
    ]),
  );
  const [timed] = times();
  expect(timed?.statements.map(({ path }) => path)).toEqual(
    numbers.flatMap((number) => [pathOf(number), pathOf(number)]),
  );
  expect(timed?.statements.every(({ began, ended }) => began <= ended)).toBe(true);
  expect(
    await rows(address, "select path, version, release, promotion from rehearsal.applied order by version"),
  ).toEqual(
    numbers.map((number) => ({ path: pathOf(number), version: number, release: "r1", promotion: "p1" })),
  );
});

test("who asks the session is told of a statement before it is sent", async () => {
  const seen: (string | null)[] = [];
  const statementBegins = async () => {
    const [row] = await session.query<{ last: string | null }>(
      "select max(relname::text) as last from pg_class where relname in ('one', 'two')",
    );
    seen.push(row?.last ?? null);
  };
  await apply(["create table one (x int);", "create table two (x int); drop table two;"], {
    observer: { statementBegins },
  });
  expect(seen).toEqual([null, "one", "two"]);
});

test("a text longer than all that is sent ahead together is run as any other", async () => {
  const long = `insert into wide values ('${"x".repeat(2 ** 20)}');`;
  const texts = ["create table wide (x text);", "select 1;", long, "select 2;", long + long, "select 3;"];
  await apply(texts);
  expect(
    await rows(address, "select count(*)::int, sum(length(x))::int as letters from public.wide"),
  ).toEqual([{ count: 3, letters: 3 * 2 ** 20 }]);
});
