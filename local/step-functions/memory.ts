/** What an execution knows of itself: a fold over its journal, so that a live one and a resumed one cannot differ. */
import type { Json } from "../../core/canonical-json.ts";
import { parseDefinition } from "./definition.ts";
import type { Entry, Identity, Outcome, Status } from "./entry.ts";
import type { Fault } from "./fault.ts";
import type { HistoryEvent } from "./history.ts";
import type { MapPlan, TaskPlan } from "./interpreter.ts";
import type { Definition, Machine, State } from "./states-language.ts";

export interface Memory extends Identity {
  definition: Definition;
  definitionText: string;
  /** As it was sent: idempotence compares these bytes. */
  input: string;
  status: Status;
  startedAt: number;
  /** From when the execution's own TimeoutSeconds counts: the start, or the last redrive. */
  countedFrom: number;
  stoppedAt?: number;
  output?: Json;
  fault?: Fault;
  redrives: number;
  redrivenAt?: number;
  /** Status changes the listener has not confirmed yet, oldest first. */
  unannounced: Status[];
  /** The root is "", an iteration or branch hangs below the frame that forked it: "/1.0". */
  frames: Map<string, Frame>;
  /** Every token ever given out, to the frame it belongs to. */
  tokens: Map<string, string>;
  events: HistoryEvent[];
}

/** One thread of control: the execution itself, a branch of a Parallel, an iteration of a Map. */
export interface Frame {
  id: string;
  parent?: string;
  index: number;
  variables: Record<string, Json>;
  /** Where to go when no state is being visited. */
  next?: { state: string; input: Json };
  visit?: Visit;
  forks: number;
  lastEvent: number;
  outcome?: Outcome;
}

/** One stay in one state. */
export interface Visit {
  state: string;
  input: Json;
  enteredAt: number;
  /** How often each retrier has been used. */
  used: number[];
  retries: number;
  /** The end of a backoff. */
  pausedUntil?: number;
  /** The end of a Wait state. */
  waitUntil?: number;
  attempt?: Attempt;
  fork?: Fork;
}

export interface Attempt {
  plan: TaskPlan;
  scheduledAt: number;
  token?: string;
  /** The function that was handed the token has returned. */
  submitted?: true;
  heartbeatAt: number;
  outcome?: Outcome;
}

export interface Fork extends MapPlan {
  number: number;
  outcome?: Outcome;
}

/** The memory after an execution's first entry. */
export function begin(entry: Entry): Memory {
  if (entry.fact !== "started") throw new Error(`a journal begins with "started", not "${entry.fact}"`);
  const parsed = parseDefinition(entry.definition);
  if (!("definition" in parsed)) throw new Error("a journalled definition is not valid");
  const { definition } = parsed;
  const root: Frame = {
    id: "",
    index: 0,
    variables: {},
    next: { state: definition.StartAt, input: JSON.parse(entry.input) as Json },
    forks: 0,
    lastEvent: 0,
  };
  return {
    ...entry.execution,
    definition,
    definitionText: entry.definition,
    input: entry.input,
    status: "RUNNING",
    startedAt: entry.at,
    countedFrom: entry.at,
    redrives: 0,
    unannounced: ["RUNNING"],
    frames: new Map([["", root]]),
    tokens: new Map(),
    events: [...(entry.events ?? [])],
  };
}

/** Takes one more entry in. */
export function learn(memory: Memory, entry: Entry): void {
  if ("frame" in entry) learnOfFrame(memory, entry);
  else if (entry.fact === "ended") {
    memory.status = entry.status;
    memory.stoppedAt = entry.at;
    if (entry.output !== undefined) memory.output = entry.output;
    if (entry.fault !== undefined) memory.fault = entry.fault;
    memory.unannounced.push(entry.status);
  } else if (entry.fact === "announced") memory.unannounced.shift();
  else if (entry.fact === "redriven") {
    memory.status = "RUNNING";
    memory.redrives += 1;
    memory.redrivenAt = entry.at;
    memory.countedFrom = entry.at;
    delete memory.stoppedAt;
    delete memory.fault;
    memory.unannounced.push("RUNNING");
    revive(memory, frameOf(memory, ""), entry.events?.at(-1)?.id ?? 0);
  }
  for (const event of entry.events ?? []) {
    memory.events.push(event);
    if ("frame" in entry) frameOf(memory, entry.frame).lastEvent = event.id;
  }
  if (entry.fact === "settled" && entry.after !== undefined)
    frameOf(memory, entry.frame).lastEvent = entry.after;
}

function learnOfFrame(memory: Memory, entry: Extract<Entry, { frame: string }>) {
  if (entry.fact === "begun") {
    const parent = frameOf(memory, entry.parent);
    const fork = parent.visit?.fork;
    const shared = !isDistributed(stateOf(memory, parent));
    memory.frames.set(entry.frame, {
      id: entry.frame,
      parent: parent.id,
      index: entry.index,
      // Inner states see the variables around them, except across the border of a distributed Map.
      variables: shared ? { ...parent.variables } : {},
      next: {
        state: machineBelow(memory, parent, entry.index).StartAt,
        input: fork?.inputs[entry.index]?.input ?? null,
      },
      forks: 0,
      lastEvent: parent.lastEvent,
    });
    return;
  }
  const frame = frameOf(memory, entry.frame);
  if (entry.fact === "entered") {
    delete frame.next;
    frame.visit = { state: entry.state, input: entry.input, enteredAt: entry.at, used: [], retries: 0 };
    return;
  }
  if (entry.fact === "noted") return;
  const visit = visitOf(frame);
  switch (entry.fact) {
    case "waiting":
      visit.waitUntil = entry.until;
      break;
    case "scheduled":
      delete visit.pausedUntil;
      visit.attempt = {
        plan: entry.plan,
        scheduledAt: entry.at,
        heartbeatAt: entry.at,
        ...(entry.token === undefined ? {} : { token: entry.token }),
      };
      if (entry.token !== undefined) memory.tokens.set(entry.token, frame.id);
      break;
    case "submitted":
      if (visit.attempt) visit.attempt.submitted = true;
      break;
    case "heartbeat":
      if (visit.attempt) visit.attempt.heartbeatAt = entry.at;
      break;
    case "forked":
      delete visit.pausedUntil;
      frame.forks += 1;
      visit.fork = { ...entry.fork, number: frame.forks };
      break;
    case "settled":
      if (visit.fork) visit.fork.outcome = entry.outcome;
      else if (visit.attempt) visit.attempt.outcome = entry.outcome;
      break;
    case "retrying":
      visit.used[entry.retrier] = (visit.used[entry.retrier] ?? 0) + 1;
      visit.retries += 1;
      visit.pausedUntil = entry.until;
      delete visit.attempt;
      delete visit.fork;
      break;
    case "left":
      Object.assign(frame.variables, entry.assigned);
      if (entry.next === undefined) frame.outcome = { result: entry.output };
      else {
        delete frame.visit;
        frame.next = { state: entry.next, input: entry.output };
      }
      break;
    case "failed":
      frame.outcome = { fault: entry.fault };
  }
}

/**
 * Makes an unsuccessful frame ready to go on from where it failed, after "Redriving executions" in the developer guide:
 * retry counts and time-outs begin again, successful branches and iterations keep their results,
 * and a fork that failed for its size is run again whole.
 */
function revive(memory: Memory, frame: Frame, after: number) {
  if (frame.outcome !== undefined && "result" in frame.outcome) return;
  delete frame.outcome;
  frame.lastEvent = after;
  const { visit } = frame;
  if (visit === undefined) return;
  visit.used = [];
  visit.retries = 0;
  delete visit.pausedUntil;
  delete visit.attempt;
  const state = stateOf(memory, frame);
  if (state.Type === "Wait" && state.Seconds !== undefined) delete visit.waitUntil;
  const { fork } = visit;
  if (fork === undefined) return;
  const failedForSize =
    fork.outcome !== undefined &&
    "fault" in fork.outcome &&
    fork.outcome.fault.Error === "States.DataLimitExceeded";
  delete fork.outcome;
  if (failedForSize) delete visit.fork;
  else
    for (const [index] of fork.inputs.entries()) {
      const child = memory.frames.get(childId(frame, fork, index));
      if (child !== undefined) revive(memory, child, after);
    }
}

export function frameOf(memory: Memory, id: string): Frame {
  const frame = memory.frames.get(id);
  if (frame === undefined) throw new Error(`the journal names a frame "${id}" that never began`);
  return frame;
}

export function visitOf(frame: Frame): Visit {
  if (frame.visit === undefined) throw new Error(`the frame "${frame.id}" is in no state`);
  return frame.visit;
}

export function childId(frame: Frame, fork: Fork, index: number): string {
  return `${frame.id}/${fork.number}.${index}`;
}

/** The states a frame moves among. */
export function machineOf(memory: Memory, frame: Frame): Machine {
  if (frame.parent === undefined) return memory.definition;
  return machineBelow(memory, frameOf(memory, frame.parent), frame.index);
}

/** The state a frame is in. */
export function stateOf(memory: Memory, frame: Frame): State {
  return namedState(machineOf(memory, frame), visitOf(frame).state);
}

export function namedState(machine: Machine, name: string): State {
  const state = machine.States[name];
  if (state === undefined) throw new Error(`there is no state "${name}"`);
  return state;
}

function isDistributed(state: State): boolean {
  return state.Type === "Map" && state.ItemProcessor.ProcessorConfig?.Mode === "DISTRIBUTED";
}

function machineBelow(memory: Memory, parent: Frame, index: number): Machine {
  const state = stateOf(memory, parent);
  const machine =
    state.Type === "Map"
      ? state.ItemProcessor
      : state.Type === "Parallel"
        ? state.Branches[index]
        : undefined;
  if (machine === undefined) throw new Error(`the state of "${parent.id}" has nothing below it`);
  return machine;
}
