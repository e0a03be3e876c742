/** One execution at work: its memory, its journal, and the order between them — written first, then true. */
import { randomBytes } from "node:crypto";
import type { Json } from "../../core/canonical-json.ts";
import type { Journal } from "../journal.ts";
import type { Entry, Fact, Outcome } from "./entry.ts";
import type { Fault } from "./fault.ts";
import * as history from "./history.ts";
import type { View } from "./interpreter.ts";
import { type Frame, frameOf, learn, type Memory, stateOf, visitOf } from "./memory.ts";
import { Over, type World } from "./world.ts";

/** AWS ends an execution that would make more events than this. */
const MOST_EVENTS = 25_000;

export class Run {
  readonly memory: Memory;
  readonly world: World;
  readonly #journal: Journal<Entry>;
  #over = new AbortController();
  readonly #wakers = new Map<string, () => void>();

  constructor(memory: Memory, journal: Journal<Entry>, world: World) {
    this.memory = memory;
    this.#journal = journal;
    this.world = world;
  }

  /** Fires when the execution ends or the engine stops. */
  get signal(): AbortSignal {
    return AbortSignal.any([this.#over.signal, this.world.stopping]);
  }

  /** Journals a fact with the events it is seen by, then takes it into memory. */
  note(fact: Fact, ...drafts: history.EventDraft[]) {
    this.noteAfter(this.#previousEvent(fact), fact, drafts);
  }

  /** The same with the events following another than the frame's last; `abreast` events all follow that one. */
  noteAfter(previous: number, fact: Fact, drafts: history.EventDraft[], abreast = false) {
    const at = this.world.clock.now();
    const before = this.memory.events.length;
    const events = drafts.map((draft, index) => ({
      ...draft,
      id: before + index + 1,
      previousEventId: abreast || index === 0 ? previous : before + index,
      at,
    }));
    const entry: Entry = { ...fact, at, ...(events.length === 0 ? {} : { events }) };
    this.#journal.append(entry);
    learn(this.memory, entry);
    if (this.memory.status === "RUNNING" && this.memory.events.length >= MOST_EVENTS - 1)
      this.conclude({
        fault: {
          Error: "States.Runtime",
          Cause: "The execution reached the maximum number of history events (25000).",
        },
      });
  }

  /** Ends the execution with the outcome of its root. */
  conclude(outcome: Outcome) {
    if (this.memory.status !== "RUNNING") return;
    if ("result" in outcome)
      this.note(
        { fact: "ended", status: "SUCCEEDED", output: outcome.result },
        history.executionSucceeded(outcome.result),
      );
    else
      this.note(
        { fact: "ended", status: "FAILED", fault: outcome.fault },
        history.executionEnded("Failed", outcome.fault),
      );
    this.#over.abort(new Over());
  }

  /** Ends the execution from outside: StopExecution, or its own time-out. */
  end(status: "ABORTED" | "TIMED_OUT", fault: Fault) {
    const ending = status === "ABORTED" ? "Aborted" : "TimedOut";
    // AWS's recordings show an abort following no event, but a time-out the last one.
    const previous = status === "ABORTED" ? 0 : frameOf(this.memory, "").lastEvent;
    this.noteAfter(previous, { fact: "ended", status, fault }, [history.executionEnded(ending, fault)]);
    this.#over.abort(new Over());
  }

  /** Makes an unsuccessful execution run again from where it failed. */
  redrive() {
    this.note({ fact: "redriven" }, history.executionRedriven(this.memory.redrives + 1));
    this.#over = new AbortController();
  }

  /** Lets go of the journal's file until something is noted again. */
  rest() {
    this.#journal.rest();
  }

  /** Resolves when the frame's task is answered from outside. */
  answered(frame: Frame): Promise<void> {
    return new Promise((resolve) => this.#wakers.set(frame.id, resolve));
  }

  /** Takes the answer to a task token. The caller has checked that the token is open. */
  answer(frame: Frame, outcome: Outcome) {
    const plan = visitOf(frame).attempt?.plan;
    if (plan === undefined) throw new Error(`the frame "${frame.id}" runs no task`);
    const event =
      "result" in outcome
        ? history.taskSucceeded(plan, outcome.result)
        : history.taskFailed(plan, outcome.fault);
    this.note({ fact: "settled", frame: frame.id, outcome }, event);
    this.#wakers.get(frame.id)?.();
    this.#wakers.delete(frame.id);
  }

  /** What the frame's state can see; the token only while a task that has one is being planned. */
  view(frame: Frame, token?: string): View {
    const { memory } = this;
    const visit = visitOf(frame);
    const item = this.#itemOf(frame);
    return {
      input: visit.input,
      variables: frame.variables,
      context: {
        Execution: {
          Id: memory.arn,
          Input: JSON.parse(memory.input) as Json,
          Name: memory.name,
          RoleArn: memory.roleArn,
          StartTime: new Date(memory.startedAt).toISOString(),
          RedriveCount: memory.redrives,
          ...(memory.redrivenAt === undefined
            ? {}
            : { RedriveTime: new Date(memory.redrivenAt).toISOString() }),
        },
        State: {
          Name: visit.state,
          EnteredTime: new Date(visit.enteredAt).toISOString(),
          RetryCount: visit.retries,
        },
        StateMachine: { Id: memory.machineArn, Name: memory.machineName },
        ...(token === undefined ? {} : { Task: { Token: token } }),
        ...(item === undefined ? {} : { Map: { Item: item } }),
      },
    };
  }

  /** A token that names its execution, so that one of a lost execution can be told from a made-up one. */
  newToken(): string {
    const parts = [this.memory.arn, randomBytes(18).toString("base64url")];
    return Buffer.from(JSON.stringify(parts)).toString("base64url");
  }

  #previousEvent(fact: Fact): number {
    if (fact.fact === "redriven") return this.memory.events.length;
    if (!("frame" in fact)) return frameOf(this.memory, "").lastEvent;
    return frameOf(this.memory, fact.fact === "begun" ? fact.parent : fact.frame).lastEvent;
  }

  /** The item of the innermost Map iteration the frame is in. */
  #itemOf(frame: Frame): { Index: number; Value: Json } | undefined {
    if (frame.parent === undefined) return undefined;
    const parent = frameOf(this.memory, frame.parent);
    const inMap = stateOf(this.memory, parent).Type === "Map";
    const item = inMap ? parent.visit?.fork?.inputs[frame.index] : undefined;
    return item === undefined ? this.#itemOf(parent) : { Index: frame.index, Value: item.item };
  }
}
