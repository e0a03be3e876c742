/** What whoever looks at a promotion can do about it now: what its state admits, and what they may. */
import { type Actor, may, rolesWith } from "../../core/access.ts";
import { isEnded } from "../../core/steps.ts";
import type { Approval } from "../../io/ledger/approvals.ts";
import type { Environment } from "../../io/ledger/environments.ts";
import type { Promotion } from "../../io/ledger/promotions.ts";
import type { StepRow } from "../../io/ledger/steps.ts";
import type { Actions } from "../../web/console/decision.ts";
import { wantsFourEyes } from "../decision.ts";
import { HEEDED } from "../rollback.ts";

interface Standing {
  promotion: Promotion;
  role: Environment["role"];
  steps: readonly StepRow[];
  approval: Approval | undefined;
}

/** For what to show: the same is asked again, of what stands then, when somebody does it. */
export function actionsOf(actor: Actor, standing: Standing): Actions {
  const { promotion } = standing;
  const promotes = may(actor, "promote", promotion.environment);
  const rollBack = promotes && canRollBack(standing) ? wayToRollBack(standing) : undefined;
  return {
    ...decisionOf(actor, standing),
    cancel: promotes && canCancel(standing),
    ...(rollBack && { rollBack }),
  };
}

function decisionOf(
  actor: Actor,
  { promotion, role, approval }: Standing,
): Pick<Actions, "approve" | "reject" | "reasons"> {
  const waits = promotion.status === "waiting" && approval?.status === "waiting";
  if (!waits) return { approve: false, reject: false, reasons: [] };
  if (approval.late)
    return { approve: false, reject: false, reasons: ["The time for a decision has run out."] };
  if (!may(actor, "decide", promotion.environment))
    return {
      ...{ approve: false, reject: false },
      reasons: [
        `It takes the role of ${rolesWith("decide").join(" or ")} in ${promotion.environment} to decide.`,
      ],
    };
  const reasons = [
    ...(actor.person === promotion.requestedBy && wantsFourEyes(promotion.policy, role)
      ? ["You asked for this promotion; another approver must decide."]
      : []),
    ...(promotion.facts.plans ?? [])
      .filter(({ approvers }) => approvers.length > 0 && !approvers.includes(actor.person))
      .map(({ path, approvers }) => `${path} says who may approve: ${approvers.join(", ")}.`),
  ];
  return { approve: reasons.length === 0, reject: true, reasons };
}

/** As `cancel` asks: until a step has begun behind which none looks for a cancellation. */
function canCancel({ promotion: { status, asked }, steps }: Standing): boolean {
  if (isEnded(status) || asked === "cancel") return false;
  return status === "waiting" || !steps.some(({ step }) => !BEFORE.has(step));
}

const BEFORE: ReadonlySet<string> = new Set(["admit", "snapshot", "back-up", "restore", "rehearse"]);

/** As `rollBack` asks. */
function canRollBack({ promotion: { status, asked }, steps }: Standing): boolean {
  if (status === "held") return true;
  const last = steps.at(-1);
  return status === "running" && asked !== "roll-back" && last !== undefined && HEEDED.has(last.step);
}

function wayToRollBack({ promotion: { status, facts }, role }: Standing) {
  return { confirm: role === "prod", loss: status === "held" && facts.exposed !== undefined };
}
