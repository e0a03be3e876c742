import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { DatabaseAddress } from "../../core/database-url.ts";
import { STEPS } from "../../core/steps.ts";
import { openSession, type Session } from "../../io/postgres/session.ts";
import type { LambdaRunner } from "../../local/lambda/runner.ts";
import { dropDatabases, freshDatabase, newestServer, rows } from "../postgres.ts";
import { contentOf } from "../service/content.ts";
import { LocalService } from "../service/local-service.ts";
import { eventTypes, expectPromotedOnce } from "../service/outcome.ts";
import { OUTSIDE, PROJECT, SCHEMA } from "../service/project.ts";
import type { Detail } from "../service/service.ts";

/** Every step of a promotion that closes production to writers. */
const AHEAD = STEPS.slice(0, STEPS.indexOf("put-away"));

describe("a step that is asked more than once", () => {
  const server = newestServer();
  const made: DatabaseAddress[] = [];
  let service: LocalService;
  let release: string;
  let wanted: Awaited<ReturnType<typeof contentOf>>;
  /** What to do with the first invocation of a step; none while it is undefined. */
  let around:
    | ((direct: LambdaRunner["invoke"], name: string, payload: unknown) => ReturnType<LambdaRunner["invoke"]>)
    | undefined;

  /** Invocations under way, those included whose answer nobody waits for. */
  const under: Promise<unknown>[] = [];
  const remembered = <T>(work: Promise<T>): Promise<T> => {
    under.push(work);
    return work;
  };

  beforeAll(async () => {
    service = await new LocalService(server.address, "twice", {
      around: (direct) => (name, payload, signal) =>
        around === undefined || isOver(payload) || !AHEAD.some((step) => step === name)
          ? direct(name, payload, signal)
          : remembered(around(direct, name, payload)),
    }).start();
    release = await service.release({ ...PROJECT, ...OUTSIDE });
    const address = await environment("plain");
    await service.until(await service.promote("plain", release), "promoted");
    wanted = await contentOf(address);
  });

  beforeEach(() => {
    around = undefined;
  });

  afterAll(async () => {
    await service.stop();
    await dropDatabases(...made);
  });

  async function environment(name: string): Promise<DatabaseAddress> {
    const address = await freshDatabase(server, SCHEMA, `twice_${name}_${process.pid}`);
    made.push(address);
    await service.register(name, address);
    return address;
  }

  /** Promotions that have ended: the machine may still try a step of theirs again, when the answer it heard was the overtaken one's. */
  const over = new Set<string>();
  const isOver = (payload: unknown) => over.has((payload as { promotion?: string }).promotion ?? "");

  /** Promotes the environment, and waits for every invocation that was made on the way. */
  async function promoted(name: string): Promise<Detail> {
    const detail = await service.ending(await service.promote(name, release));
    over.add(detail.id);
    await Promise.all(under.splice(0));
    return detail;
  }

  test("fault 6: every step delivered twice at the same time has one effect", async () => {
    const address = await environment("at-once");
    const delivered = new Set<string>();
    around = async (direct, name, payload) => {
      if (delivered.has(name)) return direct(name, payload);
      delivered.add(name);
      const both = [direct(name, payload), direct(name, payload)];
      under.push(...both);
      // One of the two, as a caller would have that heard one answer only.
      return Promise.race(both);
    };
    const detail = await promoted("at-once");
    expect([...delivered]).toEqual(AHEAD);
    await expectPromotedOnce(service, detail, address, wanted);
    expect(await rows(address, "select count(*)::int as n from rehearsal.applied")).toEqual([{ n: 4 }]);
  });

  test("fault 7: every step that dies with its effect done, and again with its answer unsaid, is done once", async () => {
    const address = await environment("answers-lost");
    const asked: string[] = [];
    around = async (direct, name, payload) => {
      asked.push(name);
      for (const point of ["effect", "recorded"]) {
        service.gate(`${name}:${point}`, "dies");
        expect(await direct(name, payload)).toMatchObject({ error: { errorType: "Runtime.ExitError" } });
      }
      return direct(name, payload);
    };
    const detail = await promoted("answers-lost");
    await expectPromotedOnce(service, detail, address, wanted);
    expect(asked).toEqual(AHEAD);
    // Decide is the one that runs a third time: it holds a new token each time.
    expect(detail.steps.map(({ step, attempt, status }) => `${step} ${attempt} ${status}`)).toEqual(
      AHEAD.flatMap((step) => [
        `${step} 1 failed`,
        `${step} 2 succeeded`,
        ...(step === "decide" ? ["decide 3 succeeded"] : []),
      ]),
    );
  });

  test("fault 23: of every step an older attempt that still runs writes nothing any more", async () => {
    const address = await environment("zombies");
    const zombies: Record<string, unknown> = {};
    around = async (direct, name, payload) => {
      if (name in zombies) return direct(name, payload);
      const gate = service.gate(`${name}:effect`);
      const older = direct(name, payload);
      await gate.reached();
      const newer = await direct(name, payload);
      gate.open();
      zombies[name] = await older;
      return newer;
    };
    const detail = await promoted("zombies");
    expect(zombies).toEqual(
      Object.fromEntries(
        AHEAD.map((name) => [name, { error: expect.objectContaining({ errorType: "AttemptStale" }) }]),
      ),
    );
    await expectPromotedOnce(service, detail, address, wanted);
    // A zombie has no voice either.
    expect((await eventTypes(service, detail.id)).filter((type) => type.endsWith(".failed"))).toEqual([]);
  });

  test("fault 23: attempts to migrate that were overtaken on their way commit nothing", async () => {
    const points = ["verified", "outside", "committed"];
    const zombies: Record<string, unknown> = {};
    const left = [...points];
    around = async (direct, step, payload) => {
      const point = step === "migrate" ? left.shift() : undefined;
      if (point === undefined) return direct(step, payload);
      const gate = service.gate(`migrate:${point}`);
      const older = direct(step, payload);
      await gate.reached();
      const newer = await direct(step, payload);
      gate.open();
      zombies[point] = await older;
      return newer;
    };
    for (const point of points) {
      const address = await environment(`overtaken-${point}`);
      await expectPromotedOnce(service, await promoted(`overtaken-${point}`), address, wanted);
      // Either it lost its session, or it came to say that it was done and nobody listened.
      expect(zombies[point]).toMatchObject({
        error: { errorType: expect.stringMatching(/^(AttemptStale|DatabaseUnreachable)$/) },
      });
    }
  });

  test("fault 23: a session that a dead rehearsal left on the copy is not in the way of the next", async () => {
    const address = await environment("left-behind");
    let session: Session | undefined;
    around = async (direct, step, payload) => {
      if (step !== "rehearse" || session !== undefined) return direct(step, payload);
      service.gate("rehearse:begun", "dies");
      await direct(step, payload);
      const { promotion } = payload as { promotion: string };
      const [copy] = await rows<{ datname: string }>(
        service.server,
        "select datname from pg_database where strpos(datname, $1) > 0",
        [`__pristine_${promotion}`],
      );
      session = await openSession(
        { ...server.address, database: copy?.datname ?? "" },
        { application: `rehearsal ${promotion} rehearse 1` },
      );
      return direct(step, payload);
    };
    const detail = await promoted("left-behind");
    await session?.close();
    await expectPromotedOnce(service, detail, address, wanted);
  });
});
