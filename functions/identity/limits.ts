/**
 * How often somebody may fail to show who they are, and how often a person may ask. The counts are in the ledger, so that
 * they hold whatever sandbox a request comes to.
 */
import * as z from "zod";
import { RehearsalError } from "../../core/errors.ts";
import { sourceNetwork } from "../../core/source-network.ts";
import { type Counter, count, countersOf } from "../../io/ledger/limits.ts";
import type { Session } from "../../io/postgres/session.ts";

interface Limits {
  /** The stretch of time in which is counted. */
  seconds: number;
  /** Failed sign-ins from one network. */
  failures: number;
  /** Failed sign-ins with one key's id, from wherever: more, for who knows an id could lock its owner out. */
  keyFailures: number;
  requests: number;
}

/** Codes of a credential that is none; a failure to find out is not the caller's. */
const FAILURES = new Set(["Unauthorized", "TokenRefused", "IdentityUnknown", "PipelineUntrusted"]);

/** Requests of a person are told to the ledger in so many parts of what is allowed, not one by one. */
const PARTS = 40;

/**
 * Signs in by `work`, unless its source, or the key that it shows, has failed too often of late: then nothing is looked at,
 * for a limit that lets the right guess through is none. Throws `TooManyRequests`, and whatever `work` throws.
 */
export async function limitedSignIn<T>(
  ledger: Session,
  shown: { event: unknown; credential: string },
  work: () => Promise<T>,
): Promise<T> {
  const limits = limitsOf(process.env);
  const allowed = new Map<string, number>([[`source ${sourceOf(shown.event)}`, limits.failures]]);
  const id = keyIdOf(shown.credential);
  if (id !== undefined) allowed.set(`key ${id}`, limits.keyFailures);
  const buckets = [...allowed.keys()];
  const over = (counter: Counter) => counter.count >= (allowed.get(counter.bucket) ?? 0);
  refuseOver((await countersOf(ledger, buckets)).filter(over), "failed sign-ins");
  try {
    return await work();
  } catch (error) {
    if (error instanceof RehearsalError && FAILURES.has(error.code))
      await count(ledger, buckets, { by: 1, seconds: limits.seconds });
    throw error;
  }
}

interface Tally {
  /** Not yet told to the ledger. */
  untold: number;
  /** Until then, in milliseconds since 1970, every request is refused. */
  refusedUntil: number;
}

const tallies = new Map<string, Tally>();

/**
 * Counts a request of the person; throws `TooManyRequests`. Most requests are counted in the sandbox alone, and the ledger
 * hears of several at once: so a person may have a few more than the limit, and the usual request waits for nothing.
 */
export async function countRequest(ledger: () => Promise<Session>, person: string): Promise<void> {
  const { requests, seconds } = limitsOf(process.env);
  const tally = tallies.get(person) ?? { untold: 0, refusedUntil: 0 };
  tallies.set(person, tally);
  const wait = (tally.refusedUntil - Date.now()) / 1_000;
  if (wait > 0) throw tooMany("requests", wait);
  tally.untold += 1;
  if (tally.untold < Math.max(1, Math.floor(requests / PARTS))) return;
  const by = tally.untold;
  tally.untold = 0;
  const [counter] = await count(await ledger(), [`person ${person}`], { by, seconds });
  if (counter === undefined || counter.count <= requests) return;
  tally.refusedUntil = Date.now() + counter.secondsLeft * 1_000;
  throw tooMany("requests", counter.secondsLeft);
}

function refuseOver(over: readonly Counter[], what: string): void {
  if (over.length > 0) throw tooMany(what, Math.max(...over.map(({ secondsLeft }) => secondsLeft)));
}

function tooMany(what: string, seconds: number): RehearsalError {
  return new RehearsalError("TooManyRequests", { what, seconds: Math.max(1, Math.ceil(seconds)) });
}

const eventSchema = z.looseObject({
  requestContext: z.looseObject({ http: z.looseObject({ sourceIp: z.string().max(100) }) }),
});

/** As API Gateway saw it. X-Forwarded-For is what a client makes of it. */
function sourceOf(event: unknown): string {
  const parsed = eventSchema.safeParse(event);
  return parsed.success ? sourceNetwork(parsed.data.requestContext.http.sourceIp) : "unknown";
}

/** The part of a key that may be told. */
function keyIdOf(credential: string): string | undefined {
  return /^rk_([A-Za-z0-9]{1,40})_/.exec(credential)?.[1];
}

/** A variable that is not a number is a defect of the deployment, and lets nobody in. */
const limitsSchema = z.object({
  REHEARSAL_LIMIT_SECONDS: z.coerce.number().int().min(1).max(3_600).default(60),
  REHEARSAL_LIMIT_FAILURES: z.coerce.number().int().min(1).default(20),
  REHEARSAL_LIMIT_KEY_FAILURES: z.coerce.number().int().min(1).default(200),
  REHEARSAL_LIMIT_REQUESTS: z.coerce.number().int().min(1).default(3_000),
});

function limitsOf(variables: Record<string, string | undefined>): Limits {
  const parsed = limitsSchema.parse(variables);
  return {
    seconds: parsed.REHEARSAL_LIMIT_SECONDS,
    failures: parsed.REHEARSAL_LIMIT_FAILURES,
    keyFailures: parsed.REHEARSAL_LIMIT_KEY_FAILURES,
    requests: parsed.REHEARSAL_LIMIT_REQUESTS,
  };
}
