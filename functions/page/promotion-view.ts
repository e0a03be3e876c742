/** Everything that a promotion's page shows, read for whoever looks. */
import { may } from "../../core/access.ts";
import { RehearsalError } from "../../core/errors.ts";
import { type EventContent, findBrokenLink, type LogEntry, type LogHead } from "../../core/log.ts";
import { readApproval } from "../../io/ledger/approvals.ts";
import { readEnvironment } from "../../io/ledger/environments.ts";
import { readEvents } from "../../io/ledger/events.ts";
import { readPromotion } from "../../io/ledger/promotions.ts";
import { promotionState } from "../../io/ledger/state.ts";
import { listSteps } from "../../io/ledger/steps.ts";
import type { Session } from "../../io/postgres/session.ts";
import type { PromotionView } from "../../web/console/promotion.ts";
import type { ArtifactLine, PromotionLog } from "../../web/console/promotion-log.ts";
import { artifacts } from "../clients.ts";
import { listArtifacts, permissionFor } from "../promotion-artifacts.ts";
import { actionsOf } from "./promotion-actions.ts";
import { readRehearsed, rehearsedAs } from "./rehearsed.ts";
import { formSecret, type PageContext } from "./request.ts";

const ENTRIES = 200;
const ARTIFACTS = 100;

/** Events gone over for one page; where others' are more, the log's own page proves them. */
const STRETCH = 5_000;
const PAGE = 500;

/** Throws `NotFound`. `known` names the rehearsal that whoever asks shows already, which is then not read. */
export async function readView(c: PageContext, id: string, known?: string): Promise<PromotionView> {
  const ledger = await c.var.ledger();
  // Before everything else: what changes meanwhile is then told again, and never missed.
  const version = await promotionState(ledger, id);
  if (version === undefined) throw new RehearsalError("NotFound", { what: "promotion", name: id });
  const promotion = await readPromotion(ledger, id);
  const [steps, approval] = [await listSteps(ledger, id), await readApproval(ledger, id)];
  const { role } = await readEnvironment(ledger, promotion.environment);
  const { environment, release, requestedBy, createdAt, endedAt, evidence, asked, error, status, facts } =
    promotion;
  const named = rehearsedAs(steps);
  const listed = await firstArtifacts({ id, environment });
  return {
    ...{ id, environment, role, release, requestedBy, createdAt, endedAt, evidence, asked, error, version },
    plans: facts.plans ?? [],
    course: {
      ...{ status, steps, policy: promotion.policy, pending: facts.pending ?? null },
      verdict: approval ?? null,
    },
    rehearsed: named === known ? undefined : await readRehearsed(artifacts(), promotion, steps),
    rehearsedAs: named,
    log: await readLog(ledger, id),
    artifacts: listed.slice(0, ARTIFACTS).map(({ key, size }) => ({
      ...{ key, size },
      mayRead: may(c.var.actor, permissionFor(key), environment),
    })),
    moreArtifacts: listed.length > ARTIFACTS,
    actions: actionsOf(c.var.actor, { promotion, role, steps, approval }),
    csrf: formSecret(c),
    now: new Date(),
  };
}

async function firstArtifacts(owner: {
  id: string;
  environment: string;
}): Promise<Omit<ArtifactLine, "mayRead">[]> {
  const found: Omit<ArtifactLine, "mayRead">[] = [];
  for await (const { key, size } of listArtifacts(artifacts(), owner)) {
    found.push({ key, size });
    if (found.length > ARTIFACTS) break;
  }
  return found;
}

async function readLog(ledger: Session, promotion: string): Promise<PromotionLog> {
  const found = await readEvents(ledger, { promotion, limit: ENTRIES + 1 });
  const entries = found.slice(0, ENTRIES);
  return {
    entries: entries.map(({ body, hash }) => ({ event: JSON.parse(body) as EventContent, hash })),
    more: found.length > ENTRIES,
    proved: await prove(ledger, entries),
  };
}

/** Goes over the chain from the first of these events to the last, with what others did in between. */
async function prove(ledger: Session, entries: readonly LogEntry[]): Promise<PromotionLog["proved"]> {
  const [first, last] = [entries[0], entries.at(-1)];
  if (first === undefined || last === undefined || last.seq - first.seq > STRETCH) return undefined;
  const part = { from: first.seq, to: last.seq };
  let head: LogHead = { seq: first.seq - 1, hash: first.previous };
  while (head.seq < last.seq) {
    const page = await readEvents(ledger, { after: head.seq, limit: Math.min(PAGE, last.seq - head.seq) });
    const broken = findBrokenLink(page, head);
    const end = page.at(-1);
    if (broken !== undefined) return { ...part, broken };
    if (end === undefined)
      return { ...part, broken: { seq: head.seq + 1, reason: `event ${head.seq + 1} is missing` } };
    head = end;
  }
  return part;
}
