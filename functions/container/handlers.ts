/** What a container can do: each long step's own handler, and that of all tasks, read only when it is asked for. */
import type { Json } from "../../core/canonical-json.ts";
import type { Step } from "../../core/steps.ts";
import type { Invocation } from "../../io/telemetry/invocation.ts";
import type { StepInput } from "../step.ts";
import type { TaskEvent } from "../tasks/main.ts";

/** From outside: the handler takes it as it would take its invocation's payload. */
type Handler = (input: unknown, invocation: Invocation) => Promise<Json>;

export const HANDLERS = {
  snapshot: async () => ofStep((await import("../steps/snapshot.ts")).handler),
  "back-up": async () => ofStep((await import("../steps/back-up.ts")).handler),
  restore: async () => ofStep((await import("../steps/restore.ts")).handler),
  rehearse: async () => ofStep((await import("../steps/rehearse.ts")).handler),
  fence: async () => ofStep((await import("../steps/fence.ts")).handler),
  migrate: async () => ofStep((await import("../steps/migrate.ts")).handler),
  verify: async () => ofStep((await import("../steps/verify.ts")).handler),
  "roll-back": async () => ofStep((await import("../steps/roll-back.ts")).handler),
  task: async (): Promise<Handler> => {
    const { handler } = await import("../tasks/main.ts");
    return (input, invocation) => handler(input as TaskEvent, invocation);
  },
} satisfies Partial<Record<Step | "task", () => Promise<Handler>>>;

function ofStep(handler: (input: StepInput, invocation?: Invocation) => Promise<Json>): Handler {
  return (input, invocation) => handler(input as StepInput, invocation);
}
