/** docs/promotion.md: the machine that promotes, drawn and listed as the operator's runbook. */
import type { State, StateMachine, TaskState } from "../workflows/asl.ts";
import { table } from "./markdown.ts";
import { stateDiagram } from "./state-diagram.ts";

export interface Machines {
  promotion: StateMachine;
  rollback: StateMachine;
  task: StateMachine;
  prune: StateMachine;
}

/** The promotion, the rollback and what is beside them, each as a diagram; the promotion's steps as a table. */
export function runbook({ promotion, rollback, task, prune }: Machines): string {
  return `# The promotion

${promotion.Comment}. Made from \`workflows/promotion.asl.ts\` by \`node docs/generate.ts\`; do not edit.

${diagram(promotion)}

${steps(promotion)}

## The rollback by itself

${rollback.Comment}.

${diagram(rollback)}

## Tasks

${task.Comment}. The same function closes what failed: its databases and files go, and the reason is told.

${diagram(task)}

## Prunes

${prune.Comment}. What holds of one stands in [pruning.md](pruning.md).

${diagram(prune)}
`;
}

function diagram(machine: StateMachine): string {
  return `\`\`\`mermaid\n${stateDiagram(machine)}\n\`\`\``;
}

function steps(machine: StateMachine): string {
  const rows = Object.entries(machine.States).flatMap(([name, state]) =>
    state.Type === "Task"
      ? [
          [
            name,
            state.Comment ?? "",
            duration(state.TimeoutSeconds),
            state.Next ?? "",
            failure(state),
            endsAfterFailure(machine, name).join(" or "),
          ],
        ]
      : [],
  );
  return table(["Step", "What it does", "At most", "Then", "On failure", "Which ends"], rows);
}

/** The ends that a promotion can come to when this step fails for good and no other does; in the machine's order. */
export function endsAfterFailure(machine: StateMachine, step: string): string[] {
  const state = machine.States[step];
  const reached = new Set<string>();
  const visit = (name: string): void => {
    if (reached.has(name)) return;
    reached.add(name);
    for (const next of waysOn(machine.States[name])) visit(next);
  };
  if (state?.Type === "Task") for (const { Next } of state.Catch ?? []) visit(Next);
  return Object.keys(machine.States).filter(
    (name) => reached.has(name) && waysOn(machine.States[name]).length === 0,
  );
}

function waysOn(state: State | undefined): string[] {
  if (state === undefined) return [];
  if (state.Type === "Choice") return [...state.Choices.map(({ Next }) => Next), state.Default];
  return "Next" in state && state.Next !== undefined ? [state.Next] : [];
}

function duration(seconds: number | string): string {
  return typeof seconds === "number" ? `${seconds} s` : "as the policy says";
}

function failure({ Catch = [] }: TaskState): string {
  return [...new Set(Catch.map(({ Next }) => Next))].join(", ");
}
