/** What a migration costs production, measured while it runs and kept beside what its rehearsal promised. */
import { type Measures, timesMeasured } from "../core/comparison.ts";
import { RehearsalError } from "../core/errors.ts";
import type { Observer } from "../io/postgres/observer.ts";
import { openSession, type Session } from "../io/postgres/session.ts";
import { keepTime } from "../io/postgres/timeline.ts";
import { type Waiters, watchWaiters } from "../io/postgres/waiters.ts";
import { writeArtifact } from "./artifacts.ts";
import type { StepContext } from "./step.ts";

interface Measuring {
  /** Times what the one that was given is told of. */
  around(inner: Observer): Observer;
  /** To be told the points that applying passes; tells the context. */
  passed(point: string): void;
  /** Writes `measures.json`, once everything is committed that this attempt commits. */
  keep(): Promise<void>;
  /** Stops watching. */
  end(): Promise<void>;
}

/** Milliseconds that one look may take on the server. */
const LOOK = 5_000;

/** Begins to watch, from another session, who waits for the one that migrates. */
export async function measureProduction(context: StepContext, session: Session): Promise<Measuring> {
  const { promotion, attempt, prefix, store } = context;
  const { waiters, unwatched } = await openWatch(context, session);
  let timeline = keepTime();
  let ended: Promise<Measures["waits"]> | undefined;
  const end = () => {
    ended ??= waiters === undefined ? Promise.resolve([]) : waiters.end();
    return ended;
  };
  return {
    around: (inner) => {
      timeline = keepTime(inner);
      return timeline.observer;
    },
    passed: (point) => {
      timeline.passed(point);
      context.passed(point);
    },
    keep: async () => {
      const measures: Measures = {
        format: "rehearsal-measures/1",
        ...{ promotion: promotion.id, attempt: attempt.attempt },
        runs: timesMeasured(timeline.times()),
        waits: await end(),
        ...(unwatched !== undefined && { unwatched }),
      };
      await writeArtifact(store, `${prefix}measures.json`, measures).catch((error: unknown) => {
        // It is committed, and as rehearsed: for want of figures nobody takes it back. Whoever compares finds them missing.
        if (!(error instanceof RehearsalError)) throw error;
      });
    },
    end: async () => {
      await end();
    },
  };
}

/** A server that has no connection to spare is migrated all the same. */
async function openWatch(
  { application }: StepContext,
  { address, pid }: Session,
): Promise<{ waiters?: Waiters; unwatched?: string }> {
  try {
    const watcher = await openSession(address, {
      ...{ application: `${application} watch`, readOnly: true, patienceSeconds: 0, statementTimeout: LOOK },
    });
    return { waiters: watchWaiters(watcher, pid) };
  } catch (error) {
    if (!(error instanceof RehearsalError)) throw error;
    return { unwatched: error.message };
  }
}
