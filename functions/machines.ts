/** Which machine carries what: each has a twin whose long steps run in a container, and what was begun on one stays on it. */
import { RehearsalError } from "../core/errors.ts";
import type { Compute, Policy } from "../core/policy.ts";
import type { Environment } from "../io/ledger/environments.ts";
import { requiredVariable } from "./clients.ts";

const VARIABLES = {
  promotion: { lambda: "REHEARSAL_PROMOTION_MACHINE", fargate: "REHEARSAL_PROMOTION_FARGATE_MACHINE" },
  rollback: { lambda: "REHEARSAL_ROLLBACK_MACHINE", fargate: "REHEARSAL_ROLLBACK_FARGATE_MACHINE" },
  task: { lambda: "REHEARSAL_TASK_MACHINE", fargate: "REHEARSAL_TASK_FARGATE_MACHINE" },
} as const;

type Kind = keyof typeof VARIABLES;

/** The machine of a promotion, by the policy that it began with. */
export function promotionMachine({ policy }: { policy: Pick<Policy, "compute"> }): string {
  return machine("promotion", policy.compute);
}

/** The machine that takes a promotion back. */
export function rollbackMachine({ policy }: { policy: Pick<Policy, "compute"> }): string {
  return machine("rollback", policy.compute);
}

/** The machine of a task, by what was noted when it was asked for; nothing was before there was a choice. */
export function taskMachine({ facts }: { facts: { compute?: Compute } }): string {
  return machine("task", facts.compute ?? "lambda");
}

/** The machine of a prune: its states are short, so it has no twin. */
export function pruneMachine(): string {
  return requiredVariable("REHEARSAL_PRUNE_MACHINE");
}

/** Throws `ContainersMissing` where an environment's policy asks for what was not deployed. */
export function refuseWithoutContainers({ name, policy }: Pick<Environment, "name" | "policy">): void {
  if (policy.compute === "fargate" && !hasContainers())
    throw new RehearsalError("ContainersMissing", { environment: name });
}

/** Every machine there has to be, by what it is for: the twins only where a container is deployed. */
export function allMachines(): [of: string, arn: string][] {
  const kinds = Object.keys(VARIABLES) as Kind[];
  return [
    ...kinds.flatMap((kind): [string, string][] => [
      [`${kind}s`, machine(kind, "lambda")],
      ...(hasContainers() ? [[`${kind}s in containers`, machine(kind, "fargate")] as [string, string]] : []),
    ]),
    ["prunes", pruneMachine()],
  ];
}

/** A deployment without a container has no machine that would run it, and tells of none. */
function hasContainers(): boolean {
  return Boolean(process.env[VARIABLES.promotion.fargate]);
}

function machine(kind: Kind, compute: Compute): string {
  return requiredVariable(VARIABLES[kind][compute]);
}
