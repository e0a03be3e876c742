/** All machines and executions of one folder: starts them, finds them, and goes on with those that were running. */
import { createHash, randomUUID } from "node:crypto";
import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Json } from "../../core/canonical-json.ts";
import { AwsError } from "../aws-json.ts";
import { type Journal, openJournal, readJournal } from "../journal.ts";
import type { Entry, Outcome } from "./entry.ts";
import { executionStarted } from "./history.ts";
import { type Machines, openMachines, type Runnable } from "./machines.ts";
import { begin, type Frame, frameOf, learn, type Memory } from "./memory.ts";
import { Run } from "./run.ts";
import { type StatusChange, statusChange } from "./status-change.ts";
import { drive } from "./walk.ts";
import type { World } from "./world.ts";

export const ACCOUNT = "000000000000";

export interface EngineOptions {
  /** Holds machines/ and executions/; made when missing. */
  folder: string;
  world: World;
  /** Told of every status change, at least once and in order; one that rejects is told again. */
  onEvent: (event: StatusChange) => void | Promise<void>;
  /** Put every journal line on the disk before it takes effect. */
  fsync: boolean;
}

export class Engine {
  readonly machines: Machines;
  readonly #options: EngineOptions;
  readonly #runs = new Map<string, Run>();
  readonly #journals = new Set<Journal<Entry>>();
  readonly #work = new Set<Promise<void>>();
  readonly #announcing = new Set<string>();
  readonly #going = new Set<Run>();

  constructor(options: EngineOptions) {
    this.#options = options;
    this.machines = openMachines(join(options.folder, "machines"));
    mkdirSync(this.#executionsFolder, { recursive: true, mode: 0o700 });
    for (const file of readdirSync(this.#executionsFolder)) this.#resume(join(this.#executionsFolder, file));
  }

  /** Goes on with the executions an earlier run left. Once, when whoever they call can be reached. */
  goOn() {
    for (const run of this.#runs.values()) if (!this.#going.has(run)) this.#setGoing(run);
  }

  /** The executions of a machine, or of a version or an alias of it, newest first. */
  executionsOf(arn: string): Memory[] {
    return [...this.#runs.values()]
      .map((run) => run.memory)
      .filter(({ machineArn, versionArn, aliasArn }) => [machineArn, versionArn, aliasArn].includes(arn))
      .reverse();
  }

  execution(arn: string): Memory {
    return this.#run(arn).memory;
  }

  /**
   * After StartExecution's documentation: the same name and input while it runs is the same execution,
   * the same name with another input, or after it ended, is `ExecutionAlreadyExists`.
   */
  start(machine: Runnable, name: string | undefined, input: string): Memory {
    const chosen = name ?? randomUUID();
    const arn = `arn:aws:states:${this.#options.world.region}:${ACCOUNT}:execution:${machine.name}:${chosen}`;
    const earlier = this.#runs.get(arn)?.memory;
    if (earlier !== undefined) {
      if (earlier.status === "RUNNING" && earlier.input === input) return earlier;
      throw new AwsError("ExecutionAlreadyExists", `Execution Already Exists: '${arn}'`);
    }
    const entry: Entry = {
      fact: "started",
      at: this.#options.world.clock.now(),
      execution: {
        arn,
        name: chosen,
        machineArn: machine.arn,
        machineName: machine.name,
        roleArn: machine.roleArn,
        ...(machine.versionArn === undefined ? {} : { versionArn: machine.versionArn }),
        ...(machine.aliasArn === undefined ? {} : { aliasArn: machine.aliasArn }),
      },
      definition: machine.definition,
      input,
      events: [
        {
          ...executionStarted(input, machine.roleArn),
          id: 1,
          previousEventId: 0,
          at: this.#options.world.clock.now(),
        },
      ],
    };
    const memory = begin(entry);
    const journal = this.#open(this.#path(arn));
    journal.append(entry);
    const run = new Run(memory, journal, this.#options.world);
    this.#runs.set(arn, run);
    this.#setGoing(run);
    return memory;
  }

  /** StopExecution; one that has ended already stays as it ended. */
  stopExecution(arn: string, error: string | undefined, cause: string | undefined): Memory {
    const run = this.#run(arn);
    if (run.memory.status === "RUNNING") {
      run.end("ABORTED", {
        ...(error === undefined ? {} : { Error: error }),
        ...(cause === undefined ? {} : { Cause: cause }),
      });
      this.#announce(run);
    }
    return run.memory;
  }

  redrive(arn: string): Memory {
    const run = this.#run(arn);
    const { status } = run.memory;
    if (status === "RUNNING" || status === "SUCCEEDED")
      throw new AwsError("ExecutionNotRedrivable", `Execution is ${status} and cannot be redriven`);
    run.redrive();
    this.#setGoing(run);
    return run.memory;
  }

  /** SendTaskSuccess and SendTaskFailure. */
  answer(token: string, outcome: Outcome) {
    const { run, frame } = this.#taskOf(token);
    run.answer(frame, outcome);
  }

  /** SendTaskHeartbeat. */
  heartbeat(token: string) {
    const { run, frame } = this.#taskOf(token);
    run.note({ fact: "heartbeat", frame: frame.id });
  }

  /** Waits until nothing more is written, then lets go of the files. */
  async stop(): Promise<void> {
    await Promise.allSettled(this.#work);
    for (const journal of this.#journals) journal.close();
  }

  get #executionsFolder(): string {
    return join(this.#options.folder, "executions");
  }

  #path(arn: string): string {
    // The hash keeps names apart that a file system may not tell apart (A and a); the name is for people.
    const readable = arn.split(":").slice(-2).join(".").slice(0, 120);
    return join(
      this.#executionsFolder,
      `${readable}.${createHash("sha256").update(arn).digest("hex").slice(0, 12)}.jsonl`,
    );
  }

  #open(path: string): Journal<Entry> {
    const journal = openJournal<Entry>(path, { fsync: this.#options.fsync });
    this.#journals.add(journal);
    return journal;
  }

  #resume(path: string) {
    const [first, ...rest] = readJournal<Entry>(path);
    if (first === undefined) {
      // Its first line was torn: StartExecution never answered, so the execution never was.
      rmSync(path);
      return;
    }
    const memory = begin(first);
    for (const entry of rest) learn(memory, entry);
    this.#runs.set(memory.arn, new Run(memory, this.#open(path), this.#options.world));
  }

  /** Sets the run going and tells of its status now and when it ends. */
  #setGoing(run: Run) {
    this.#going.add(run);
    this.#announce(run);
    this.#track(drive(run).then(() => this.#announce(run)));
  }

  #announce(run: Run) {
    if (this.#announcing.has(run.memory.arn)) return;
    this.#announcing.add(run.memory.arn);
    void this.#tellAll(run).finally(() => this.#announcing.delete(run.memory.arn));
  }

  async #tellAll(run: Run) {
    const { clock, stopping } = this.#options.world;
    for (let wait = 100; run.memory.unannounced.length > 0 && !stopping.aborted; ) {
      const [status] = run.memory.unannounced;
      if (status === undefined) return;
      try {
        await this.#options.onEvent(statusChange(run.memory, status, this.#options.world));
        if (stopping.aborted) return;
        run.note({ fact: "announced", status });
        if (run.memory.status !== "RUNNING") run.rest();
        wait = 100;
      } catch {
        // Told again until it is heard: the journal keeps what was not.
        await clock.until(clock.now() + wait, stopping).catch(() => undefined);
        wait = Math.min(wait * 2, 30_000);
      }
    }
  }

  #track(work: Promise<void>) {
    this.#work.add(work);
    void work.finally(() => this.#work.delete(work));
  }

  #run(arn: string): Run {
    const run = this.#runs.get(arn);
    if (run === undefined) throw new AwsError("ExecutionDoesNotExist", `Execution Does Not Exist: '${arn}'`);
    return run;
  }

  /** The open task of a token; the three refusals are those of SendTaskSuccess's documentation. */
  #taskOf(token: string): { run: Run; frame: Frame } {
    const run = this.#runs.get(executionOf(token));
    if (run === undefined) throw new AwsError("TaskDoesNotExist", "The task does not exist.");
    const id = run.memory.tokens.get(token);
    if (id === undefined) throw new AwsError("InvalidToken", "Invalid Token: 'Invalid token'");
    const frame = frameOf(run.memory, id);
    const { attempt } = frame.visit ?? {};
    const open =
      run.memory.status === "RUNNING" && frame.outcome === undefined && !isCutOff(run.memory, frame);
    if (!open || attempt?.token !== token || attempt.outcome !== undefined)
      throw new AwsError("TaskTimedOut", "Task Timed Out: 'Provided task does not exist anymore'");
    return { run, frame };
  }
}

/** The execution a token was given out by; a token that is none of ours is `InvalidToken`. */
function executionOf(token: string): string {
  try {
    const parts: Json = JSON.parse(Buffer.from(token, "base64url").toString("utf8"));
    if (Array.isArray(parts) && typeof parts[0] === "string") return parts[0];
  } catch {
    // Falls through: it is not one of ours.
  }
  throw new AwsError("InvalidToken", "Invalid Token: 'Invalid token'");
}

/** True when a frame above has already settled: a sibling failed, and this one was aborted with it. */
function isCutOff(memory: Memory, frame: Frame): boolean {
  if (frame.parent === undefined) return false;
  const parent = frameOf(memory, frame.parent);
  const { fork } = parent.visit ?? {};
  const current = fork !== undefined && frame.id === `${parent.id}/${fork.number}.${frame.index}`;
  return !current || fork.outcome !== undefined || parent.outcome !== undefined || isCutOff(memory, parent);
}
