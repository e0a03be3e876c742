/** docs/promotion.md: the machine that promotes, drawn and listed as the operator's runbook. */
import type { StateMachine } from "../workflows/asl.ts";
import { table } from "./markdown.ts";
import { stateDiagram } from "./state-diagram.ts";

/** The promotion and the rollback, each as a diagram; the promotion's steps as a table. */
export function runbook(promotion: StateMachine, rollback: StateMachine): string {
  return `# The promotion

${promotion.Comment}. Made from \`workflows/promotion.asl.ts\` by \`node docs/generate.ts\`; do not edit.

${diagram(promotion)}

${steps(promotion)}

## The rollback by itself

${rollback.Comment}.

${diagram(rollback)}
`;
}

function diagram(machine: StateMachine): string {
  return `\`\`\`mermaid\n${stateDiagram(machine)}\n\`\`\``;
}

function steps(machine: StateMachine): string {
  const rows = Object.entries(machine.States).flatMap(([name, state]) =>
    state.Type === "Task"
      ? [[name, state.Comment ?? "", duration(state.TimeoutSeconds), state.Next, failure(state)]]
      : [],
  );
  return table(["Step", "What it does", "At most", "Then", "On failure"], rows);
}

function duration(seconds: number | string): string {
  return typeof seconds === "number" ? `${seconds} s` : "as the policy says";
}

function failure(state: { Catch: { Next: string }[] }): string {
  return [...new Set(state.Catch.map(({ Next }) => Next))].join(", ");
}
