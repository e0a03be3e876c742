/** Check: nothing of a record goes on that is held, is not archived, has its grace, or has not all that has to stay of it. */
import type { Json } from "../../core/canonical-json.ts";
import { RehearsalError } from "../../core/errors.ts";
import { findHold } from "../../io/ledger/holds.ts";
import { type Standing, standingOf } from "../../io/postgres/prune/backlog.ts";
import { checkIntact } from "../../io/postgres/prune/intact.ts";
import type { Session } from "../../io/postgres/session.ts";
import { waitForPromotion } from "../fenced.ts";
import { asBatch, orRefused, type PruneInput } from "./context.ts";
import { mediaOf } from "./storage.ts";

/** Sentences that a refusal carries. */
const TOLD = 3;

export async function check(ledger: Session, input: PruneInput): Promise<Json> {
  await asBatch(
    ledger,
    input,
    () => ["waiting"],
    async (context) => {
      const { prune, environment, target, records } = context;
      const known = await context.policy();
      await waitForPromotion(ledger, environment.name);
      const session = await target.session();
      const plan = await target.plan(known);
      const names = records.map(({ record }) => record);
      const standings = await standingOf(session, plan, names);
      const problems = await checkIntact(session, mediaOf(environment.policy), plan, names);
      for (const one of records)
        await orRefused(context, one, async () => {
          const { record } = one;
          await refuseHeld(ledger, { environment: environment.name, policy: prune.policy, record });
          const reason = whyUnready(standings.get(record)) ?? told(problems.get(record) ?? []);
          if (reason !== undefined) throw new RehearsalError("RecordUnready", { record, reason });
          await context.move(record, { status: "checked" });
        });
    },
  );
  return {};
}

/** Throws `RecordHeld`. */
export async function refuseHeld(
  ledger: Session,
  of: { environment: string; policy: string; record: string },
): Promise<void> {
  const hold = await findHold(ledger, of);
  if (hold !== undefined)
    throw new RehearsalError("RecordHeld", {
      ...{ record: of.record, hold: hold.id, by: hold.placedBy, reason: hold.reason },
    });
}

function whyUnready(standing: Standing | undefined): string | undefined {
  if (standing === undefined || standing.is === "unknown") return "there is no such record";
  if (standing.is === "active") return "it is not archived";
  if (standing.is === "early") return `its grace lasts until ${standing.until.toISOString()}`;
  return undefined;
}

function told(problems: readonly string[]): string | undefined {
  if (problems.length === 0) return undefined;
  const more = problems.length - TOLD;
  return problems.slice(0, TOLD).join("; ") + (more > 0 ? `; and ${more} more` : "");
}
