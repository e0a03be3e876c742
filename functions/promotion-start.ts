/** Starting a promotion: a row that locks the environment, then an execution of the same name, each made exactly once. */
import { digestOf } from "../core/digest.ts";
import { readEnvironment } from "../io/ledger/environments.ts";
import { appendEvent } from "../io/ledger/events.ts";
import { insertPromotion, type Promotion, readPromotion } from "../io/ledger/promotions.ts";
import { findRelease } from "../io/ledger/releases.ts";
import { answerRequest, claimRequest } from "../io/ledger/requests.ts";
import type { Session } from "../io/postgres/session.ts";
import { newPromotionId } from "../io/promotion-id.ts";
import { requiredVariable, stepFunctions } from "./clients.ts";
import { refuseSeedsOnProd } from "./seeds.ts";

export interface PromotionRequest {
  environment: string;
  /** The release's hash, or the beginning of it. */
  release: string;
  seed: boolean;
}

/**
 * Starts a promotion, or with a key that came before finds the one that it started. Throws `EnvironmentLocked`,
 * `IdempotencyKeyReused`, and what names nothing that is there.
 */
export async function startPromotion(
  ledger: Session,
  request: PromotionRequest,
  who: { person: string; key: string | undefined },
): Promise<{ promotion: Promotion; repeated: boolean }> {
  const keyed = who.key && {
    person: who.person,
    key: who.key,
    bodySha256: digestOf({ ...request }),
  };
  const { id, repeated } = await ledger.transaction(async () => {
    const earlier = keyed ? await claimRequest(ledger, keyed) : undefined;
    if (earlier !== undefined) return { id: earlier, repeated: true };
    const id = await insert(ledger, request, who.person);
    if (keyed) await answerRequest(ledger, keyed, id);
    return { id, repeated: false };
  });
  const promotion = await readPromotion(ledger, id);
  // A request that died between the ledger and here left a row without an execution; repeating it starts the execution.
  if (promotion.status === "created")
    await stepFunctions.startExecution(id, requiredVariable("REHEARSAL_PROMOTION_MACHINE"), {
      promotion: id,
    });
  return { promotion, repeated };
}

async function insert(ledger: Session, request: PromotionRequest, person: string): Promise<string> {
  const environment = await readEnvironment(ledger, request.environment);
  refuseSeedsOnProd(environment, request.seed);
  const release = await findRelease(ledger, request.release);
  const id = newPromotionId();
  await insertPromotion(ledger, {
    id,
    environment: environment.name,
    release: release.hash,
    seed: request.seed,
    requestedBy: person,
    policy: environment.policy,
    stateBefore: environment.state,
  });
  await appendEvent(ledger, {
    type: "promotion.created",
    environment: environment.name,
    promotion: id,
    announce: true,
    data: { release: release.hash, seed: request.seed, by: person },
  });
  return id;
}
