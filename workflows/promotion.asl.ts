/**
 * The promotion, as a careful operator would do it. Read it from the top: each state is the step of the same name in
 * functions/steps. Until `fence` production is not touched, and a failure is refused; from then on it is rolled back. One that
 * only rehearses leaves the way behind `rehearse`, and there is none back to it.
 */
import type { Expression, ParallelState, StateMachine } from "./asl.ts";
import {
  choice,
  ending,
  type MachineOptions,
  map,
  parallel,
  type StepState,
  stepsOn,
  success,
  worker,
} from "./states.ts";

/** With `compute: "fargate"` its twin, whose long steps run in the container. */
export function promotionDefinition(options: MachineOptions = {}): StateMachine {
  const step = stepsOn(options);
  // What its policy allows each; the way back is allowed the most.
  const containerSeconds = "{% $admitted.containerSeconds %}";
  return {
    Comment: "Promotes an environment to a release, and proves each step",
    QueryLanguage: "JSONata",
    StartAt: "admit",
    TimeoutSeconds: 60 * 60 * 24 * 365,
    States: {
      admit: step("admit", {
        comment: "Lock, identity, role, drift, applied files; what is pending",
        assign: { admitted: "{% $states.result.Payload %}" },
        next: "anything-pending",
        onFailure: "refuse",
      }),
      "anything-pending": choice(
        [
          ["$admitted.pending = 0 and $admitted.rehearseOnly", "put-away"],
          ["$admitted.pending = 0", "open"],
        ],
        "snapshot",
      ),
      snapshot: step("snapshot", {
        comment: "Shape and baseline",
        containerSeconds,
        next: "several-back-up",
        onFailure: "refuse",
      }),
      "several-back-up": choice([["$exists($admitted.backupWorkers)", "back-up-shared"]], "back-up"),
      "back-up-shared": sharedBackup(step, { containerSeconds, next: "restore", onFailure: "refuse" }),
      "back-up": step("back-up", {
        comment: "Production into S3",
        containerSeconds,
        next: "restore",
        onFailure: "refuse",
      }),
      restore: step("restore", {
        comment: "A copy, equal to it",
        containerSeconds,
        assign: { restored: "{% $states.result.Payload %}" },
        next: "more-to-restore",
        onFailure: "refuse",
      }),
      // A restore may outlast a function: what is done of it stays, and it is called again for the rest.
      "more-to-restore": choice([["$restored.more = true", "restore"]], "rehearse"),
      rehearse: step("rehearse", {
        comment: "The release on the copy",
        containerSeconds,
        next: "only-rehearsed",
        onFailure: "refuse",
      }),
      "only-rehearsed": choice([["$admitted.rehearseOnly", "put-away"]], "decide"),
      decide: step("decide", {
        comment: "Policy, or a person bound to the evidence",
        waitForToken: true,
        timeoutSeconds: "{% $admitted.approvalTimeout %}",
        next: "writers-must-stop",
        onFailure: "refuse",
      }),
      "writers-must-stop": choice([["$admitted.fence", "fence"]], "migrate"),
      fence: step("fence", {
        comment: "No writers; the copy up to date",
        containerSeconds,
        next: "migrate",
        onFailure: "roll-back",
      }),
      migrate: step("migrate", {
        comment: "The same code as rehearsed",
        containerSeconds,
        assign: { migrated: "{% $states.result.Payload %}" },
        next: "more-to-migrate",
        onFailure: "roll-back",
      }),
      // A backfill in slices may outlast a function: it stops in time at its cursor, and is called again.
      "more-to-migrate": choice([["$migrated.more = true", "migrate"]], "verify"),
      verify: step("verify", {
        comment: "Shape, checks, baseline, smoke",
        containerSeconds,
        next: "open",
        onFailure: "roll-back",
      }),
      open: step("open", {
        comment: "Canonical; services and writers back",
        assign: { opened: "{% $states.result.Payload %}" },
        next: "how-it-ended",
        onFailure: "hold",
      }),
      "how-it-ended": choice([["$opened.ended = 'nothing-to-do'", "nothing-to-do"]], "promoted"),
      promoted: success(),
      "nothing-to-do": success(),
      "put-away": step("put-away", {
        comment: "Only rehearsed: the copies go",
        assign: { away: "{% $states.result.Payload %}" },
        next: "how-the-rehearsal-ended",
        onFailure: "refuse",
      }),
      "how-the-rehearsal-ended": choice([["$away.ended = 'nothing-to-do'", "nothing-to-do"]], "rehearsed"),
      rehearsed: success(),

      ...wayBack(step),
    },
  };
}

/** The step, and beside it workers that copy what it has not: nothing of theirs fails, and what they leave the step does. */
function sharedBackup(
  step: StepState,
  { containerSeconds, next, onFailure }: { containerSeconds: Expression; next: string; onFailure: string },
): ParallelState {
  return parallel({
    comment: "Production into S3, by several",
    branches: [
      {
        StartAt: "back-up-leads",
        States: {
          "back-up-leads": step("back-up", {
            comment: "The snapshot, its own share of the copying, the manifest",
            containerSeconds,
            ...{ next: undefined, onFailure: undefined },
          }),
        },
      },
      {
        StartAt: "workers",
        States: {
          workers: map({
            comment: "Under the same snapshot",
            items: "{% [1..$admitted.backupWorkers] %}",
            atOnce: 15,
            processor: {
              StartAt: "back-up-worker",
              States: {
                "back-up-worker": worker({
                  comment: "One unit after the other",
                  // Not `round`: that is a function of JSONata.
                  assign: {
                    worked: "{% $states.result.Payload %}",
                    turns: "{% $exists($turns) ? $turns + 1 : 1 %}",
                  },
                  ...{ next: "more-to-copy", onFailure: "not-helped", failure: "why" },
                }),
                // Its time was up, or the step begins anew. An execution has room for so many events and no more.
                "more-to-copy": choice(
                  [[`$worked.more and $turns < ${MOST_TURNS}`, "back-up-worker"]],
                  "helped",
                ),
                helped: success(),
                "not-helped": success(),
              },
            },
            ...{ next: undefined, onFailure: "without-workers", failure: "whyNone" },
          }),
          "without-workers": success(),
        },
      },
    ],
    ...{ next, onFailure },
  });
}

/** Of each worker: with 15 of them, and the dozen events that a turn takes at most, three fifths of the 25,000 that an execution may have. */
const MOST_TURNS = 80;

/** The rollback by itself: for an operator's order, and for an execution that was stopped from outside. */
export function rollbackDefinition(options: MachineOptions = {}): StateMachine {
  return {
    Comment: "Takes a promotion back, or finds that there is nothing to take back",
    QueryLanguage: "JSONata",
    StartAt: "roll-back",
    TimeoutSeconds: 60 * 60 * 24 * 365,
    States: wayBack(stepsOn(options)),
  };
}

/** Where a failure leads: back if something was committed, an end that tells the reason, or an operator. */
function wayBack(step: StepState): StateMachine["States"] {
  return {
    "roll-back": step("roll-back", {
      comment: "The pristine copy becomes production again",
      assign: { way: "{% $states.result.Payload %}" },
      next: "anything-to-take-back",
      onFailure: "hold",
    }),
    "anything-to-take-back": choice([["$way.path = 'nothing'", "refuse"]], "rolled-back"),
    refuse: step("refuse", {
      comment: "Production as it was; the reason",
      assign: { refusal: "{% $states.result.Payload %}" },
      next: "refused",
      onFailure: "hold",
    }),
    hold: step("hold", {
      comment: "Everything kept, an operator called",
      assign: { held: "{% $states.result.Payload %}" },
      next: "held",
      onFailure: "held-without-word",
    }),
    refused: ending("Refused", "{% $refusal.message %}"),
    "rolled-back": ending("RolledBack", "{% $way.reason %}"),
    held: ending("Held", "{% $held.message %}"),
    // A time-out of the state itself comes without a cause.
    "held-without-word": ending("Held", "{% $exists($failure.Cause) ? $failure.Cause : $failure.Error %}"),
  };
}
