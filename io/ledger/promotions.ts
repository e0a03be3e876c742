/** Promotions in the ledger: one row each, locked to its environment while it runs. */
import type { Json } from "../../core/canonical-json.ts";
import type { PlanBrief } from "../../core/data-plan.ts";
import { type ErrorRecord, RehearsalError } from "../../core/errors.ts";
import type { Finding } from "../../core/lint/rule.ts";
import { type Policy, policySchema } from "../../core/policy.ts";
import { isEnded, type Status } from "../../core/steps.ts";
import type { StorageArea } from "../../core/storage.ts";
import type { Session } from "../postgres/session.ts";
import type { State } from "./environments.ts";
import type { HalfMade } from "./half-made.ts";
import { lockTurns, overtakeRehearsals } from "./rehearsals.ts";

/** What steps leave for later steps; each key is written by the step named behind it. */
export interface Facts {
  /** admit: the production database's object identifier and name; the migrations that will run. */
  production?: { oid: number; name: string };
  pending?: string[];
  /** admit: the shape that everything after rests on. */
  fingerprint?: string;
  /** admit: the data plans of what will run, where there are any. */
  plans?: PlanBrief[];
  /** admit: what the safety analysis found in what will run, where it found anything. */
  findings?: Finding[];
  /** admit: the prefixes of objects that are guarded, where there are any. */
  storageAreas?: StorageArea[];
  /** admit: the workspace's state file, where one is declared and was marked. */
  workspace?: string;
  /** back-up, and fence: the list of these objects that a rollback goes back to. */
  storage?: { key: string; sha256: string };
  /** back-up: the manifest's key and hash. */
  backup?: { id: string; key: string; sha256: string };
  /** restore, fence, and roll-back: the copy that is being made; null when none is. */
  copying?: HalfMade | null;
  /** restore, and fence: the copy that a rollback swaps in, who wrote its rows, and its write counters when it was last proved. */
  pristine?: { oid: number; name: string; writersKey: string; counters: string };
  /** rehearse: where the report stands, its hash, the shape after each run, and what a verification expects, with its hash (older promotions have none). */
  rehearsal?: {
    key: string;
    sha256: string;
    fingerprints: string[];
    expectationsKey: string;
    expectationsSha256?: string;
  };
  /** fence: what production held when the last writer was gone, and the backup of that moment. */
  fenced?: { contentKey: string; backup: { id: string; key: string; sha256: string } };
  /** verify: set once writers could have come back, with the counters from just before. */
  exposed?: { counters: string };
  /** An operator's word that going back may leave later writes behind, in the database that is kept. */
  lossAccepted?: { by: string };
  /** What a rehearsal alone has given way to: the promotion or the task that changes its environment. */
  overtakenBy?: string;
  /** migrate: the shape production has now. */
  migrated?: { fingerprint: string };
}

export interface Promotion {
  id: string;
  environment: string;
  release: string;
  seed: boolean;
  /** It ends behind its rehearsal, whatever came of it, and touches nothing but copies. */
  rehearseOnly: boolean;
  requestedBy: string;
  status: Status;
  policy: Policy;
  stateBefore: State;
  facts: Facts;
  evidence: string | null;
  asked: "cancel" | "roll-back" | null;
  askedBy: string | null;
  error: ErrorRecord | null;
  createdAt: Date;
  endedAt: Date | null;
}

const COLUMNS = `id, environment, release, seed, rehearse_only as "rehearseOnly", requested_by as "requestedBy", status, policy,
  state_before as "stateBefore", facts, evidence, asked, asked_by as "askedBy", error, created_at as "createdAt", ended_at as "endedAt"`;

/**
 * Inserts a promotion, which locks its environment; throws `EnvironmentLocked` when another holds it. A rehearsal alone
 * locks out only others of its kind, begins beside no promotion, and is overtaken by one that begins. Must be called inside a
 * transaction.
 */
export async function insertPromotion(
  session: Session,
  promotion: Pick<
    Promotion,
    "id" | "environment" | "release" | "seed" | "rehearseOnly" | "requestedBy" | "policy" | "stateBefore"
  >,
): Promise<void> {
  const { id, environment, rehearseOnly } = promotion;
  await lockTurns(session, environment);
  const inserted = await session.query(
    `insert into ledger.promotions (id, environment, release, seed, requested_by, policy, state_before, rehearse_only)
      select $1, $2, $3, $4::boolean, $5, $6::jsonb, $7, $8::boolean where not ($8::boolean and exists (select from ledger.promotions
        where environment = $2 and status in ('created', 'running', 'waiting', 'held') and not rehearse_only))
      on conflict do nothing returning id`,
    [
      id,
      environment,
      promotion.release,
      promotion.seed,
      promotion.requestedBy,
      JSON.stringify(promotion.policy),
      promotion.stateBefore,
      rehearseOnly,
    ],
  );
  if (inserted.length > 0) {
    if (!rehearseOnly) await overtakeRehearsals(session, environment, id);
    return;
  }
  const [holder] = await session.query<{ id: string; status: string }>(
    `select id, status from ledger.promotions where environment = $1 and status in ('created', 'running', 'waiting', 'held')
      and (not rehearse_only or $2) order by rehearse_only limit 1`,
    [environment, rehearseOnly],
  );
  throw new RehearsalError("EnvironmentLocked", {
    environment,
    promotion: holder?.id ?? "another promotion",
    status: holder?.status ?? "running",
  });
}

/** The promotion of that id; throws `NotFound`. `lock` holds its row until the transaction ends. */
export async function readPromotion(session: Session, id: string, lock?: "lock"): Promise<Promotion> {
  const [row] = await session.query<Promotion>(
    `select ${COLUMNS} from ledger.promotions where id = $1 ${lock ? "for update" : ""}`,
    [id],
  );
  if (row === undefined) throw new RehearsalError("NotFound", { what: "promotion", name: id });
  return { ...row, policy: policySchema.parse(row.policy) };
}

/** Newest first, of one environment or `among` some, `promoting` without rehearsals alone; `before` is the id to go on from. */
export async function listPromotions(
  session: Session,
  options: {
    environment?: string;
    among?: readonly string[];
    before?: string;
    limit: number;
    promoting?: true;
  },
): Promise<Promotion[]> {
  const found = await session.query<Promotion>(
    `select ${COLUMNS} from ledger.promotions p
      where ($1::text is null or environment = $1)
        and ($2::text is null or (p.created_at, p.id) < (select b.created_at, b.id from ledger.promotions b where b.id = $2
          and ($1::text is null or b.environment = $1) and ($4::text[] is null or b.environment = any ($4))))
      and ($4::text[] is null or environment = any ($4))
      and not ($5 and rehearse_only)
      order by p.created_at desc, p.id desc limit $3`,
    [
      options.environment ?? null,
      options.before ?? null,
      options.limit,
      options.among ?? null,
      options.promoting === true,
    ],
  );
  return found.map((row) => ({ ...row, policy: policySchema.parse(row.policy) }));
}

/** Promotions that have not ended and were begun at least `seconds` ago: the reconciler's work list. */
export async function listUnended(session: Session): Promise<Promotion[]> {
  const found = await session.query<Promotion>(
    `select ${COLUMNS} from ledger.promotions where status in ('created', 'running', 'waiting') order by created_at`,
  );
  return found.map((row) => ({ ...row, policy: policySchema.parse(row.policy) }));
}

/** Merges facts and moves the status on; a promotion that has ended is never moved by a late step. */
export async function updatePromotion(
  session: Session,
  id: string,
  change: { status?: Status; facts?: Facts; evidence?: string; error?: ErrorRecord },
): Promise<void> {
  await session.query(
    `update ledger.promotions set status = coalesce($2, status), facts = facts || $3::jsonb,
        evidence = coalesce($4, evidence), error = coalesce($5::jsonb, error),
        ended_at = case when $6 then now() when $2 is null then ended_at end
      where id = $1`,
    [
      id,
      change.status ?? null,
      JSON.stringify((change.facts ?? {}) as Json),
      change.evidence ?? null,
      change.error === undefined ? null : JSON.stringify(change.error),
      change.status !== undefined && isEnded(change.status),
    ],
  );
}

/** Notes that somebody asked for an end; the next step that may stop will. */
export async function askPromotion(session: Session, id: string, asked: "cancel" | "roll-back", by: string) {
  await session.query("update ledger.promotions set asked = $2, asked_by = $3 where id = $1", [
    id,
    asked,
    by,
  ]);
}
