/** Waiting for something to change: a few requests at once, each on one session, for as long as a gateway lets an answer take. */
import { holdPlace } from "../../io/ledger/places.ts";
import { promotionState } from "../../io/ledger/state.ts";
import type { Session } from "../../io/postgres/session.ts";
import { timeLeft } from "../../io/telemetry/invocation.ts";

/** Seconds; an HTTP API of API Gateway cuts an answer at 30, and the function has 29. */
export const LONGEST_WAIT = 20;

/** Requests that may wait at once. */
export const WAITING_PLACES = 32;

/** Seconds that stay for the answer, when opening the ledger has taken some already. */
const FOR_THE_ANSWER = 4;

/** Milliseconds between two looks: short after a change, when more follows, and longer when nothing does. */
const FIRST_PAUSE = 250;
const LAST_PAUSE = 500;

interface Waited {
  /** Undefined when there is no such promotion. */
  state: string | undefined;
  /** True where too many wait already: each of them holds a function and a connection. */
  turnedAway: boolean;
}

/** Resolves once the promotion's state is another than `seen`, or has stayed the same for so many seconds. */
export async function waitForChange(
  ledger: Session,
  id: string,
  seen: string,
  seconds: number,
): Promise<Waited> {
  const state = await promotionState(ledger, id);
  if (state !== seen || seconds <= 0) return { state, turnedAway: false };
  const waited = await holdPlace(ledger, { what: "wait", places: WAITING_PLACES }, () =>
    look(ledger, id, seen, seconds),
  );
  return waited === undefined ? { state, turnedAway: true } : { state: waited.value, turnedAway: false };
}

async function look(ledger: Session, id: string, seen: string, seconds: number) {
  const until = performance.now() + seconds * 1_000;
  for (let rest = FIRST_PAUSE; ; rest = Math.min(LAST_PAUSE, rest + 50)) {
    const left = until - performance.now();
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, Math.min(rest, left))));
    const state = await promotionState(ledger, id);
    if (state !== seen || left <= rest) return state;
  }
}

/** As many seconds as were asked for, of those that the function has left. */
export function secondsToWait(asked: number): number {
  return Math.min(asked, timeLeft() / 1_000 - FOR_THE_ANSWER);
}
