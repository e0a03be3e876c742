/** A Parallel or a Map state: frames below a frame, some at once, joined into one outcome. */
import type { Json } from "../../core/canonical-json.ts";
import type { Outcome } from "./entry.ts";
import { type Fault, StateFailure, withinLimit } from "./fault.ts";
import { type EventDraft, mapIteration, mapStarted } from "./history.ts";
import { branchInput, type MapPlan, planMap } from "./interpreter.ts";
import { childId, type Fork, type Frame, frameOf, stateOf, visitOf } from "./memory.ts";
import type { Run } from "./run.ts";
import type { MapState, ParallelState } from "./states-language.ts";
import { Over } from "./world.ts";

/** How a frame below this one is walked to its outcome. */
type Walk = (run: Run, frame: Frame, signal: AbortSignal) => Promise<Outcome>;

/** Begins the branches or iterations, or goes on with those the journal left open, and journals what they come to. */
export async function performFork(
  run: Run,
  frame: Frame,
  state: ParallelState | MapState,
  signal: AbortSignal,
  walk: Walk,
): Promise<Outcome> {
  if (visitOf(frame).fork === undefined) {
    const plan = await planOf(run, frame, state);
    if (signal.aborted) throw new Over();
    const started: EventDraft =
      state.Type === "Map" ? mapStarted(plan.inputs.length) : { type: "ParallelStateStarted" };
    run.note({ fact: "forked", frame: frame.id, fork: plan }, started);
  }
  const { fork } = visitOf(frame);
  if (fork === undefined) throw new Error("a fork was journalled and is not there");
  if (fork.outcome === undefined) await join(run, frame, state, fork, signal, walk);
  if (fork.outcome === undefined) throw new Over();
  return fork.outcome;
}

async function planOf(run: Run, frame: Frame, state: ParallelState | MapState): Promise<MapPlan> {
  if (state.Type === "Map") return planMap(state, run.view(frame));
  const input = await branchInput(state, run.view(frame));
  return { inputs: state.Branches.map(() => ({ input, item: null })), concurrency: state.Branches.length };
}

async function join(
  run: Run,
  frame: Frame,
  state: ParallelState | MapState,
  fork: Fork,
  signal: AbortSignal,
  walk: Walk,
) {
  const siblings = new AbortController();
  const inside = AbortSignal.any([signal, siblings.signal]);
  const waiting = [...fork.inputs.keys()];
  let verdict: { fault: Fault; after: number } | undefined;
  let failures = 0;
  const work = async () => {
    // A worker's next iteration follows the last state of its one before, as AWS chains them.
    let after = frame.lastEvent;
    for (let index = waiting.shift(); index !== undefined; index = waiting.shift()) {
      if (inside.aborted) return;
      const child = begin(run, frame, state, fork, index, after);
      const outcome = await walk(run, child, inside);
      if (inside.aborted) return;
      after = child.lastEvent;
      finish(run, state, frame, child, outcome);
      if ("result" in outcome) continue;
      failures += 1;
      if (fork.tolerated !== undefined && failures <= fork.tolerated) continue;
      verdict ??= { fault: overTolerance(fork) ?? outcome.fault, after };
      siblings.abort(new Over());
    }
  };
  const workers = Array.from({ length: Math.min(fork.concurrency, waiting.length) }, () =>
    work().catch((error: unknown) => {
      if (!(error instanceof Over)) throw error;
    }),
  );
  await Promise.all(workers);
  if (signal.aborted) throw new Over();
  conclude(run, frame, state, fork, verdict);
}

/** The child's frame, begun now unless it was before a restart or a redrive. */
function begin(
  run: Run,
  frame: Frame,
  state: ParallelState | MapState,
  fork: Fork,
  index: number,
  after: number,
): Frame {
  const id = childId(frame, fork, index);
  if (!run.memory.frames.has(id))
    run.noteAfter(
      after,
      { fact: "begun", frame: id, parent: frame.id, index },
      state.Type === "Map" ? [mapIteration("Started", visitOf(frame).state, index)] : [],
    );
  return frameOf(run.memory, id);
}

/** An iteration's end is an event; a branch's is not. After a restart an end already told is not told again. */
function finish(run: Run, state: ParallelState | MapState, frame: Frame, child: Frame, outcome: Outcome) {
  if (state.Type !== "Map" || run.memory.events[child.lastEvent - 1]?.type.startsWith("MapIteration")) return;
  const ending = "result" in outcome ? "Succeeded" : "Failed";
  run.note({ fact: "noted", frame: child.id }, mapIteration(ending, visitOf(frame).state, child.index));
}

function overTolerance(fork: Fork): Fault | undefined {
  if (fork.tolerated === undefined) return undefined;
  return {
    Error: "States.ExceedToleratedFailureThreshold",
    Cause: "The specified tolerated failure threshold was exceeded",
  };
}

/** Journals what the fork came to. Its failure is told only when it is not retried, and then by who decides that. */
function conclude(
  run: Run,
  frame: Frame,
  state: ParallelState | MapState,
  fork: Fork,
  verdict: { fault: Fault; after: number } | undefined,
) {
  const children = fork.inputs.flatMap(
    (_, index) => run.memory.frames.get(childId(frame, fork, index)) ?? [],
  );
  if (verdict !== undefined) {
    const { fault, after } = verdict;
    const aborted = children
      .filter((child) => child.outcome === undefined)
      .flatMap((child) => abortions(run, frame, state, child));
    run.noteAfter(after, { fact: "settled", frame: frame.id, outcome: { fault }, after }, aborted, true);
    return;
  }
  // Iterations within the tolerance that failed leave nothing in the result.
  const outputs = children.flatMap((child): Json[] =>
    child.outcome !== undefined && "result" in child.outcome ? [child.outcome.result] : [],
  );
  const outcome = sizedOutcome(outputs);
  const after = Math.max(frame.lastEvent, ...children.map((child) => child.lastEvent));
  const events = "result" in outcome ? [{ type: `${state.Type}StateSucceeded` }] : [];
  run.noteAfter(after, { fact: "settled", frame: frame.id, outcome, after }, events);
}

function sizedOutcome(outputs: Json[]): Outcome {
  try {
    return { result: withinLimit(outputs, "The joined result") };
  } catch (error) {
    if (error instanceof StateFailure) return { fault: error.fault };
    throw error;
  }
}

/** What the history says of a sibling that was cut off. */
function abortions(run: Run, frame: Frame, state: ParallelState | MapState, child: Frame): EventDraft[] {
  const inside = child.visit === undefined ? undefined : stateOf(run.memory, child).Type;
  const told = inside === "Task" || inside === "Wait" || inside === "Map" || inside === "Parallel";
  return [
    ...(told ? [{ type: `${inside}StateAborted` }] : []),
    ...(state.Type === "Map" ? [mapIteration("Aborted", visitOf(frame).state, child.index)] : []),
  ];
}
