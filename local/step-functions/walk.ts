/** Walks an execution from state to state: memory says where it is, the interpreter what is next, the journal that it is so. */
import type { Outcome } from "./entry.ts";
import { type Fault, StateFailure } from "./fault.ts";
import { performFork } from "./fork.ts";
import { type EventDraft, evaluationFailed, stateEntered, stateExited } from "./history.ts";
import { caught, choose, failureOf, type Leaving, leave, waitUntil } from "./interpreter.ts";
import { type Frame, frameOf, machineOf, namedState, stateOf, visitOf } from "./memory.ts";
import { recoveryFrom } from "./recovery.ts";
import type { Run } from "./run.ts";
import type { ChoiceState, FailState, RecoverableState, State, WaitState } from "./states-language.ts";
import { performTask } from "./task.ts";
import { Over } from "./world.ts";

/** Goes on from wherever the journal ends, until the execution ends or the engine stops. Rejects only when the journal cannot be written. */
export async function drive(run: Run): Promise<void> {
  const { signal } = run;
  if (run.memory.status !== "RUNNING") return;
  void watchTime(run, signal);
  try {
    const outcome = await walk(run, frameOf(run.memory, ""), signal);
    if (!signal.aborted) run.conclude(outcome);
  } catch (error) {
    if (error instanceof Over || signal.aborted) return;
    // A defect of the engine ends the execution in AWS's own words instead of leaving it running for ever.
    run.conclude({ fault: { Error: "States.Runtime", Cause: String(error) } });
  }
}

/** Moves a frame from state to state until it has an outcome; throws `Over` when the signal fires first. */
async function walk(run: Run, frame: Frame, signal: AbortSignal): Promise<Outcome> {
  while (frame.outcome === undefined) {
    if (signal.aborted) throw new Over();
    if (frame.visit === undefined) enter(run, frame);
    const state = stateOf(run.memory, frame);
    try {
      await perform({ run, frame, signal }, state);
    } catch (error) {
      if (signal.aborted) throw new Over();
      if (!(error instanceof StateFailure)) throw error;
      await recover({ run, frame, signal }, state, error);
    }
  }
  return frame.outcome;
}

/** One frame's stay in one state. */
interface Stay {
  run: Run;
  frame: Frame;
  signal: AbortSignal;
}

function enter(run: Run, frame: Frame) {
  const { next } = frame;
  if (next === undefined) throw new Error(`the frame "${frame.id}" has nowhere to go`);
  const state = namedState(machineOf(run.memory, frame), next.state);
  run.note(
    { fact: "entered", frame: frame.id, state: next.state, input: next.input },
    stateEntered(state, next.state, next.input),
  );
}

async function perform(stay: Stay, state: State): Promise<void> {
  const { run, frame, signal } = stay;
  const { pausedUntil } = visitOf(frame);
  if (pausedUntil !== undefined) await until(stay, pausedUntil);
  switch (state.Type) {
    case "Pass":
    case "Succeed":
      return exit(stay, state, await leave(state, run.view(frame)));
    case "Fail":
      return fail(stay, await failureOf(state, run.view(frame)));
    case "Choice":
      return takeChoice(stay, state);
    case "Wait":
      return waitOut(stay, state);
    case "Task":
      return settle(stay, state, await performTask(run, frame, state, signal));
    default:
      return settle(stay, state, await performFork(run, frame, state, signal, walk));
  }
}

async function takeChoice(stay: Stay, state: ChoiceState) {
  const { next, ...leaving } = await choose(state, stay.run.view(stay.frame));
  exit(stay, { ...state, Next: next }, leaving);
}

async function waitOut(stay: Stay, state: WaitState) {
  const { run, frame, signal } = stay;
  const visit = visitOf(frame);
  if (visit.waitUntil === undefined) {
    const instant = await waitUntil(state, run.view(frame), run.world.clock.now());
    if (signal.aborted) throw new Over();
    run.note({ fact: "waiting", frame: frame.id, until: instant });
  }
  await until(stay, visit.waitUntil ?? 0);
  exit(stay, state, await leave(state, run.view(frame)));
}

async function settle(stay: Stay, state: RecoverableState, outcome: Outcome) {
  if ("fault" in outcome) throw new StateFailure(outcome.fault);
  exit(stay, state, await leave(state, stay.run.view(stay.frame), { result: outcome.result }));
}

async function recover(stay: Stay, state: State, failure: StateFailure) {
  const { run, frame } = stay;
  const { fault } = failure;
  const visit = visitOf(frame);
  // Events are journalled with the decision they lead to, so that a crash between the two cannot tell them twice.
  const told = failure.location === undefined ? [] : [evaluationFailed(visit.state, fault, failure.location)];
  if (state.Type !== "Task" && state.Type !== "Map" && state.Type !== "Parallel")
    return fail(stay, fault, told);
  const recovery = recoveryFrom(state, fault, visit.used, run.world.random());
  if ("retry" in recovery) {
    const { retrier, delayMilliseconds } = recovery.retry;
    const instant = run.world.clock.now() + delayMilliseconds;
    run.note({ fact: "retrying", frame: frame.id, retrier, until: instant }, ...told);
    return;
  }
  // A fork's failure becomes an event only when it is not retried.
  if (visit.fork?.outcome !== undefined && "fault" in visit.fork.outcome)
    told.push({ type: `${state.Type}StateFailed` });
  if ("fail" in recovery) return fail(stay, fault, told);
  const { catcher } = recovery;
  try {
    exit(stay, { ...state, Next: catcher.Next }, await caught(catcher, run.view(frame), fault), told);
  } catch (error) {
    // A catcher that fails itself is not caught again.
    if (!(error instanceof StateFailure)) throw error;
    fail(stay, error.fault, told);
  }
}

function exit(
  { run, frame, signal }: Stay,
  state: Exclude<State, FailState>,
  leaving: Leaving,
  told: EventDraft[] = [],
) {
  if (signal.aborted) throw new Over();
  const onward = state.Next === undefined ? {} : { next: state.Next };
  run.note(
    { fact: "left", frame: frame.id, ...leaving, ...onward },
    ...told,
    stateExited(state, visitOf(frame).state, leaving.output, leaving.assigned),
  );
}

function fail({ run, frame, signal }: Stay, fault: Fault, told: EventDraft[] = []) {
  if (signal.aborted) throw new Over();
  run.note({ fact: "failed", frame: frame.id, fault }, ...told);
}

async function until({ run, signal }: Stay, instant: number) {
  await run.world.clock.until(instant, signal).catch(() => {
    throw new Over();
  });
}

/** The execution's own TimeoutSeconds, counted from its start or its last redrive. */
async function watchTime(run: Run, signal: AbortSignal) {
  const limit = run.memory.definition.TimeoutSeconds;
  if (limit === undefined) return;
  const inTime = await run.world.clock.until(run.memory.countedFrom + limit * 1000, signal).then(
    () => false,
    () => true,
  );
  if (!inTime && !signal.aborted) run.end("TIMED_OUT", {});
}
