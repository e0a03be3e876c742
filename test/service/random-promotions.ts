/** A service's life, drawn from a seed: promotions of every ending, and what people do beside them. */
import { setTimeout as pause } from "node:timers/promises";
import type { DatabaseAddress } from "../../core/database-url.ts";
import { execute, freshDatabase } from "../postgres.ts";
import { OUTSIDE, PROJECT, SCHEMA } from "./project.ts";
import type { Detail, Service } from "./service.ts";
import { taskEnd } from "./tasks.ts";

/** How a promotion is to end; what its files, its policy and people do to it leads there. */
const COURSES = [
  "rolled-back",
  "promoted",
  "rejected",
  "refused-by-rehearsal",
  "refused-at-admit",
  "rehearsed",
  "cancelled",
  "nothing-to-do",
] as const;

type Course = (typeof COURSES)[number];

const FILES: Partial<Record<Course, Record<string, string>>> = {
  "refused-by-rehearsal": {
    "migrations/0003_bad.sql": "alter table segments add constraint once unique (text);\n",
  },
  "rolled-back": OUTSIDE,
};

/** Numbers from 0 to below 1, the same for the same seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

export interface Life {
  /** How many promotions had each ending. */
  endings: Record<string, number>;
  /** Each environment's database. */
  databases: DatabaseAddress[];
}

/** Lives through so many promotions, two at a time; `smoke` is a hook that says no to whoever is to be rolled back. */
export async function live(
  service: Service,
  options: { promotions: number; random: () => number; smoke: { yes: string; no: string } },
): Promise<Life> {
  const { promotions, random, smoke } = options;
  const life: Life = { endings: {}, databases: [] };
  const releases = new Map<Course, string>();
  for (const course of COURSES)
    releases.set(course, await service.release({ ...PROJECT, ...FILES[course], ...note(course) }));
  // Every course once, then as it comes.
  const drawn = Array.from({ length: promotions }, (_, n) => COURSES[n] ?? pick(random, COURSES));
  let next = 0;
  const lane = async () => {
    for (let n = next++; n < drawn.length; n = next++) {
      const course = drawn[n];
      if (course === undefined) return;
      const ended = await promotion(service, life, { course, n, release: releases.get(course) ?? "", smoke });
      life.endings[ended] = (life.endings[ended] ?? 0) + 1;
      await beside(service, random, n);
    }
  };
  await Promise.all([lane(), lane()]);
  return life;
}

/** Releases differ even where their files would not. */
function note(course: Course): Record<string, string> {
  return { "seeds/0001_course.sql": `-- ${course}\nselect 1;\n` };
}

function pick<T>(random: () => number, among: readonly T[]): T {
  return among[Math.floor(random() * among.length)] as T;
}

async function promotion(
  service: Service,
  life: Life,
  {
    course,
    n,
    release,
    smoke,
  }: { course: Course; n: number; release: string; smoke: { yes: string; no: string } },
): Promise<string> {
  const environment = `e${n}`;
  const address = await freshDatabase({ address: service.server }, SCHEMA, `life_${n}_${process.pid}`);
  life.databases.push(address);
  const asks = course === "rejected" || course === "cancelled" || n % 5 === 0;
  await service.register(environment, address, {
    decision: asks ? "approval" : "automatic",
    hooks: { smoke: course === "rolled-back" ? smoke.no : smoke.yes },
  });
  // Drift, of which nobody was asked.
  if (course === "refused-at-admit") await execute(address, "create table drifted (id int)");
  const body = { environment, release, ...(course === "rehearsed" && { rehearseOnly: true }) };
  if (course === "nothing-to-do") await decided(service, await start(service, body), "approve");
  const id = await start(service, body);
  const verdict = course === "rejected" ? "reject" : course === "cancelled" ? "cancel" : "approve";
  const { status } = await decided(service, id, verdict);
  return course === "refused-at-admit" || status === "refused" ? `refused (${course})` : status;
}

async function start(service: Service, body: object): Promise<string> {
  return (await service.must<{ id: string }>("POST", "/promotions", body)).id;
}

/** Says the verdict where one is asked for, and waits for the end. */
async function decided(
  service: Service,
  id: string,
  verdict: "approve" | "reject" | "cancel",
): Promise<Detail> {
  for (;;) {
    const detail = await service.show(id);
    if (detail.status === "waiting") {
      await service.must("POST", `/promotions/${id}/${verdict}`, {}, service.keys.reviewer);
      return service.ending(id);
    }
    if (!["created", "running"].includes(detail.status)) return detail;
    await pause(50);
  }
}

/** What goes on beside promotions: people, keys, issuers, destinations, backups, their expiry, and drift. */
async function beside(service: Service, random: () => number, n: number): Promise<void> {
  const name = `p${n}`;
  switch (Math.floor(random() * 6)) {
    case 0:
      await service.must("POST", "/people", { name, grants: [{ environment: `e${n}`, role: "viewer" }] });
      if (n % 2 === 0) await service.must("POST", `/people/${name}/disable`);
      return;
    case 1: {
      const key = await service.must<{ id: string }>("POST", "/keys", { label: `of ${name}` });
      if (n % 2 === 0) await service.must("POST", `/keys/${key.id}/revoke`);
      return;
    }
    case 2:
      await service.must("PUT", `/issuers/i${n}`, {
        kind: "people",
        url: `http://127.0.0.1:9/${n}`,
        audiences: ["rehearsal"],
      });
      return;
    case 3:
      // Nobody listens there: what is to be told stays, and is tried again.
      await service.must("PUT", `/destinations/d${n}`, {
        kind: "webhook",
        target: `http://127.0.0.1:9/${n}`,
        notices: ["promoted", "refused"],
      });
      return;
    case 4: {
      const { id } = await service.must<{ id: string }>("POST", `/environments/e${n}/backups`, {});
      const { backup } = await taskEnd(service, id);
      if (backup === null) return;
      if (n % 2 === 0) await service.must("POST", `/backups/${backup}/hold`, { reason: "life" });
      else await taskEnd(service, (await service.must<{ id: string }>("POST", "/backups/expire", {})).id);
      return;
    }
    default:
      await service.call("GET", `/environments/e${n}/drift`);
  }
}
