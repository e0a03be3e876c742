/** Data plans in words: what people must know before they say yes. */
import type { PlanBrief } from "./answers.ts";
import { columns, plain } from "./text.ts";

/** Each plan with why, its notes, what is built anew, the way back, and who may approve; empty without plans. */
export function describePlans(plans: readonly PlanBrief[]): string {
  return plans
    .map(({ path, why, notes, rebuild, back, approvers }) => {
      const said: [string, readonly string[]][] = [
        ["why:", [why]],
        ["note:", notes],
        ["build anew:", rebuild],
        ["way back:", [back]],
        ["approvers:", approvers],
      ];
      const lines = said.flatMap(([name, values]) => values.map((value) => [`  ${name}`, value]));
      return `data plan ${plain(path)}\n${columns(lines)}`;
    })
    .join("\n\n");
}
