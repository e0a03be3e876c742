/**
 * A prune, as a careful operator would do it. Read it from the top: each state is what the function of prunes does under that
 * name, in functions/prune. Records go in batches, a few at once and no faster than the policy says. Nothing is deleted before
 * what goes is sealed in a bundle. A batch that fails leaves the others to go on; what has lost its rows is finished later.
 */
import type { StateMachine, States } from "./asl.ts";
import { batchStep, pruneStep } from "./prune-states.ts";
import { choice, ending, map, success, waitUntil } from "./states.ts";

/** Batches that are worked on at once: a database has other things to do. */
const AT_ONCE = 2;

export function pruneDefinition(): StateMachine {
  return {
    Comment: "Prunes records that were archived, or brings back what a prune has deleted",
    QueryLanguage: "JSONata",
    StartAt: "select",
    TimeoutSeconds: 60 * 60 * 24 * 7,
    States: {
      select: pruneStep("select", {
        comment: "The policy as it is now; the records of this round",
        assign: { selected: "{% $states.result.Payload %}" },
        next: "anything-selected",
        onFailure: "close",
      }),
      "anything-selected": choice(
        [
          ["$count($selected.batches) > 0", "batches"],
          ["$selected.more", "select"],
        ],
        "report",
      ),
      batches: map({
        comment: "Each batch when its turn has come",
        items: "{% $selected.batches %}",
        atOnce: AT_ONCE,
        processor: batch(),
        next: "more-to-select",
        onFailure: "close",
      }),
      "more-to-select": choice([["$selected.more", "select"]], "report"),
      report: pruneStep("report", {
        comment: "What went, what stayed, and why",
        assign: { reported: "{% $states.result.Payload %}" },
        next: "how-it-was",
        onFailure: "close",
      }),
      "how-it-was": choice([["$reported.ended = 'failed'", "not-all-of-it"]], "done"),
      close: pruneStep("close", {
        comment: "It goes no further; the reason, and what is half done",
        assign: { closed: "{% $states.result.Payload %}" },
        next: "how-it-ended",
        onFailure: "failed-without-word",
      }),
      // The answer of a prune that ended well may have been lost.
      "how-it-ended": choice([["$closed.ended = 'failed'", "failed"]], "done"),
      done: success(),
      "not-all-of-it": ending("PruneFailed", "{% $reported.message %}"),
      failed: ending("PruneFailed", "{% $closed.message %}"),
      // The reconciler closes it; a time-out of the state itself comes without a cause.
      "failed-without-word": ending(
        "PruneFailed",
        "{% $exists($failure.Cause) ? $failure.Cause : $failure.Error %}",
      ),
    },
  };
}

/** What is done with one batch. */
function batch(): States {
  const step = batchStep("give-up");
  return {
    StartAt: "its-turn",
    States: {
      "its-turn": waitUntil("{% $states.input.at %}", {
        comment: "No faster than the policy's rate",
        assign: { batch: "{% $states.input.batch %}" },
        next: "what-is-wanted",
      }),
      "what-is-wanted": choice([["$selected.mode = 'restore'", "restore"]], "check"),
      check: step("check", {
        comment: "No hold; archived, grace over; snapshots and what they name intact",
        next: "candidates",
      }),
      candidates: step("candidates", {
        comment: "What may go, what stays and why",
        assign: { counted: "{% $states.result.Payload %}" },
        next: "anything-to-delete",
      }),
      "anything-to-delete": choice([["$counted.ready > 0", "bundle"]], "batch-done"),
      bundle: step("bundle", { comment: "What goes, sealed and read back", next: "delete-rows" }),
      "delete-rows": step("delete-rows", {
        comment: "One transaction for each record, and its evidence",
        next: "delete-media",
      }),
      "delete-media": step("delete-media", {
        comment: "Only the bytes that are in the bundle",
        next: "note",
      }),
      note: step("note", { comment: "Told in the database and in the log", next: "batch-done" }),
      restore: step("restore", { comment: "Rows and media from the bundle", next: "batch-done" }),
      "give-up": batchStep("batch-left")("give-up", {
        comment: "The reason, for each record that is left",
        next: "batch-done",
      }),
      "batch-done": success(),
      // Closing the prune tells of it.
      "batch-left": success(),
    },
  };
}
