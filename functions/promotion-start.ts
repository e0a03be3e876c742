/** Starting a promotion: a row that locks the environment, then an execution of the same name, each made exactly once. */
import { readEnvironment } from "../io/ledger/environments.ts";
import { appendEvent } from "../io/ledger/events.ts";
import { insertPromotion, type Promotion, readPromotion } from "../io/ledger/promotions.ts";
import { findRelease } from "../io/ledger/releases.ts";
import { newId } from "../io/new-id.ts";
import type { Session } from "../io/postgres/session.ts";
import { stepFunctions } from "./clients.ts";
import { refuseCutOver } from "./fenced.ts";
import { type Asker, startOnce } from "./keyed-start.ts";
import { promotionMachine, refuseWithoutContainers } from "./machines.ts";
import { refuseSeedsOnProd } from "./seeds.ts";

export interface PromotionRequest {
  environment: string;
  /** The release's hash, or the beginning of it. */
  release: string;
  seed: boolean;
  /** To end behind the rehearsal. */
  rehearseOnly: boolean;
}

/**
 * Starts a promotion, or with a key that came before finds the one that it started. Throws `EnvironmentLocked`,
 * `StoreCutOver`, `IdempotencyKeyReused`, and what names nothing that is there.
 */
export async function startPromotion(
  ledger: Session,
  request: PromotionRequest,
  who: Asker,
): Promise<{ promotion: Promotion; repeated: boolean }> {
  const { id, repeated } = await startOnce(ledger, who, { kind: "promotion", body: request }, () =>
    insert(ledger, request, who.person),
  );
  const promotion = await readPromotion(ledger, id);
  // A request that died between the ledger and here left a row without an execution; repeating it starts the execution.
  if (promotion.status === "created")
    await stepFunctions.startExecution(id, promotionMachine(promotion), { promotion: id });
  return { promotion, repeated };
}

async function insert(ledger: Session, request: PromotionRequest, person: string): Promise<string> {
  const environment = await readEnvironment(ledger, request.environment);
  refuseSeedsOnProd(environment, request.seed);
  refuseWithoutContainers(environment);
  const release = await findRelease(ledger, request.release);
  const id = newId("promotion");
  await insertPromotion(ledger, {
    id,
    environment: environment.name,
    release: release.hash,
    seed: request.seed,
    rehearseOnly: request.rehearseOnly,
    requestedBy: person,
    policy: environment.policy,
    stateBefore: environment.state,
  });
  // Behind the insert, which has the environment's turns: a cutover is either seen here, or sees the promotion.
  await refuseCutOver(ledger, environment.name);
  await appendEvent(ledger, {
    type: "promotion.created",
    environment: environment.name,
    promotion: id,
    announce: !request.rehearseOnly,
    data: {
      release: release.hash,
      seed: request.seed,
      by: person,
      ...(request.rehearseOnly && { rehearseOnly: true }),
    },
  });
  return id;
}
