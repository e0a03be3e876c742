/** What a container is to do, as the state machine tells it through its variables. */
import * as z from "zod";

export interface Order {
  /** The step's name, or `task` for a task beside promotions. */
  step: string;
  /** What a function of that name would be invoked with. */
  input: unknown;
  /** Answers the waiting state. */
  token: string;
  /** Seconds without a word after which the machine counts us as dead. */
  heartbeatSeconds: number;
  /** Seconds after which it waits no longer. */
  stepSeconds: number;
}

const seconds = z.coerce.number().positive();

const orderSchema = z.object({
  REHEARSAL_STEP: z.string().min(1),
  REHEARSAL_INPUT: z.string().transform((text, { addIssue }): unknown => {
    try {
      return JSON.parse(text);
    } catch {
      addIssue("it is not JSON");
      return z.NEVER;
    }
  }),
  REHEARSAL_TASK_TOKEN: z.string().min(1),
  REHEARSAL_HEARTBEAT_SECONDS: seconds,
  REHEARSAL_STEP_SECONDS: seconds,
});

/** Throws, naming the variable, where one is missing or unfit: then nobody can be answered either. */
export function readOrder(variables: Record<string, string | undefined>): Order {
  const read = orderSchema.parse(variables);
  return {
    step: read.REHEARSAL_STEP,
    input: read.REHEARSAL_INPUT,
    token: read.REHEARSAL_TASK_TOKEN,
    heartbeatSeconds: read.REHEARSAL_HEARTBEAT_SECONDS,
    stepSeconds: read.REHEARSAL_STEP_SECONDS,
  };
}
