/** A task beside promotions: one function does it, and the same function closes one that failed, so that nothing of it is left. */
import type { StateMachine } from "./asl.ts";
import { choice, ending, type MachineOptions, success, task, work } from "./states.ts";

/** With `compute: "fargate"` its twin, whose work runs in the container; closing is done by the function all the same. */
export function taskDefinition(options: MachineOptions = {}): StateMachine {
  return {
    Comment: "Does one task beside promotions: a backup, its proof, a restore, an export, an expiry",
    QueryLanguage: "JSONata",
    StartAt: "work",
    TimeoutSeconds: 60 * 60 * 24 * (options.compute === "fargate" ? 31 : 1),
    States: {
      work: work(options, {
        comment: "What the task's kind says",
        assign: { worked: "{% $states.result.Payload %}" },
        next: "more-to-do",
        onFailure: "close",
      }),
      // What outlasts a function stops in time, and is called for the rest.
      "more-to-do": choice([["$exists($worked.more) and $worked.more = true", "work"]], "done"),
      close: task({
        comment: "Nothing of it is left; the reason",
        assign: { closed: "{% $states.result.Payload %}" },
        next: "how-it-ended",
        onFailure: "failed-without-word",
      }),
      // The answer of a task that ended well may have been lost.
      "how-it-ended": choice([["$closed.ended = 'failed'", "failed"]], "done"),
      done: success(),
      failed: ending("TaskFailed", "{% $closed.message %}"),
      // The reconciler closes it; a time-out of the state itself comes without a cause.
      "failed-without-word": ending(
        "TaskFailed",
        "{% $exists($failure.Cause) ? $failure.Cause : $failure.Error %}",
      ),
    },
  };
}
