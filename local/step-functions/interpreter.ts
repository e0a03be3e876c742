/** States Language as pure functions: from a state and what it can see, to what it does next. No clock, journal or network. */
import type { Json } from "../../core/canonical-json.ts";
import { taskKind } from "./definition.ts";
import { evaluate, type Scope } from "./expression.ts";
import { type Fault, queryFailure, StateFailure, withinLimit } from "./fault.ts";
import type {
  Catcher,
  ChoiceState,
  FailState,
  MapState,
  ParallelState,
  TaskState,
  WaitState,
} from "./states-language.ts";

/** What a state can see when it is entered. */
export interface View {
  input: Json;
  context: Json;
  variables: Readonly<Record<string, Json>>;
}

/** What a state leaves behind. Output and Assign both see the variables as they were before. */
export interface Leaving {
  output: Json;
  assigned: Record<string, Json>;
}

export interface TaskPlan {
  kind: "invoke" | "callback" | "direct" | "container";
  /** Of a container the task definition. */
  functionName: string;
  payload: Json;
  /** The whole Arguments, for the history. */
  arguments: Json;
  timeoutSeconds?: number;
  heartbeatSeconds?: number;
}

export interface MapPlan {
  inputs: { input: Json; item: Json }[];
  /** How many run at once. */
  concurrency: number;
  /** How many may fail; undefined when the state sets no tolerance, then the first failure is the state's own. */
  tolerated?: number;
}

/** Evaluates Output and Assign; without Output the result passes, and without a result the input. */
export async function leave(
  rule: { Output?: Json; Assign?: Record<string, Json> },
  view: View,
  extra: { result?: Json; errorOutput?: Json } = {},
): Promise<Leaving> {
  const scope = scopeOf(view, extra);
  const passed = extra.errorOutput ?? (extra.result === undefined ? view.input : extra.result);
  const output = rule.Output === undefined ? passed : await evaluate(rule.Output, scope, "Output");
  const assigned = (await evaluate(rule.Assign ?? {}, scope, "Assign")) as Record<string, Json>;
  return {
    output: withinLimit(output, "The output"),
    assigned: withinLimit(assigned, "The assigned variables"),
  };
}

/** The first rule whose condition holds, else Default; `States.Runtime` when there is neither, as the error names' page has it. */
export async function choose(state: ChoiceState, view: View): Promise<Leaving & { next: string }> {
  for (const [index, rule] of state.Choices.entries()) {
    const holds = await evaluate(rule.Condition, scopeOf(view), `Choices[${index}]/Condition`);
    if (typeof holds !== "boolean") throw unexpected(`Choices[${index}]/Condition`, "a boolean", holds);
    if (holds) return { ...(await leave(rule, view)), next: rule.Next };
  }
  if (state.Default === undefined)
    throw runtime("Failed to transition out of the state. The state does not point to a next state.");
  return { ...(await leave(state, view)), next: state.Default };
}

/** The instant (milliseconds) a Wait state ends, when it began at `now`. */
export async function waitUntil(state: WaitState, view: View, now: number): Promise<number> {
  if (state.Seconds !== undefined) {
    const seconds = await wholeNumber(state.Seconds, view, "Seconds", 0);
    return now + seconds * 1000;
  }
  const timestamp = await evaluate(state.Timestamp ?? "", scopeOf(view), "Timestamp");
  const instant = typeof timestamp === "string" ? Date.parse(timestamp) : Number.NaN;
  if (Number.isNaN(instant)) throw unexpected("Timestamp", "an ISO 8601 time", timestamp);
  return instant;
}

/** The function to invoke, what it is given, and its deadlines. */
export async function planTask(state: TaskState, view: View): Promise<TaskPlan> {
  const kind = taskKind(state.Resource);
  if (kind === undefined) throw runtime(`"${state.Resource}" is not served here`);
  const given = await evaluate(
    state.Arguments ?? (kind === "direct" ? view.input : {}),
    scopeOf(view),
    "Arguments",
  );
  withinLimit(given, "The task's arguments");
  const deadlines = {
    ...(state.TimeoutSeconds === undefined
      ? {}
      : { timeoutSeconds: await wholeNumber(state.TimeoutSeconds, view, "TimeoutSeconds", 1) }),
    ...(state.HeartbeatSeconds === undefined
      ? {}
      : { heartbeatSeconds: await wholeNumber(state.HeartbeatSeconds, view, "HeartbeatSeconds", 1) }),
  };
  if (kind === "direct")
    return { kind, functionName: state.Resource, payload: given, arguments: given, ...deadlines };
  if (kind === "container") {
    const { TaskDefinition } = (isObject(given) ? given : {}) as { TaskDefinition?: Json };
    if (typeof TaskDefinition !== "string")
      throw runtime("The Arguments of ecs:runTask hold no TaskDefinition.");
    return { kind, functionName: TaskDefinition, payload: {}, arguments: given, ...deadlines };
  }
  const { FunctionName, Payload } = (isObject(given) ? given : {}) as { FunctionName?: Json; Payload?: Json };
  if (typeof FunctionName !== "string") throw runtime("The Arguments of lambda:invoke hold no FunctionName.");
  return { kind, functionName: FunctionName, payload: Payload ?? {}, arguments: given, ...deadlines };
}

/** True when the task ends by an answer to its token, whatever the service says to being asked. */
export function waitsForToken({ kind }: TaskPlan): boolean {
  return kind === "callback" || kind === "container";
}

/** The input every branch of a Parallel begins with. */
export async function branchInput(state: ParallelState, view: View): Promise<Json> {
  if (state.Arguments === undefined) return view.input;
  return withinLimit(await evaluate(state.Arguments, scopeOf(view), "Arguments"), "The branches' input");
}

/** Every iteration's input, how many at once, how many may fail. AWS runs at most 40 inline. */
export async function planMap(state: MapState, view: View): Promise<MapPlan> {
  const items = state.Items === undefined ? view.input : await evaluate(state.Items, scopeOf(view), "Items");
  if (!Array.isArray(items)) throw unexpected("Items", "an array", items);
  const inputs: MapPlan["inputs"] = [];
  for (const [index, item] of (items as Json[]).entries()) {
    const inside = {
      ...view,
      context: { ...(view.context as object), Map: { Item: { Index: index, Value: item } } },
    };
    const input =
      state.ItemSelector === undefined
        ? item
        : await evaluate(state.ItemSelector, scopeOf(inside), "ItemSelector");
    inputs.push({ input: withinLimit(input, "An item"), item });
  }
  const limit = await wholeNumber(state.MaxConcurrency ?? 0, view, "MaxConcurrency", 0);
  const tolerated = await toleranceOf(state, view, inputs.length);
  return { inputs, concurrency: limit === 0 ? 40 : limit, ...(tolerated === undefined ? {} : { tolerated }) };
}

async function toleranceOf(state: MapState, view: View, items: number): Promise<number | undefined> {
  const limits: number[] = [];
  if (state.ToleratedFailureCount !== undefined)
    limits.push(await wholeNumber(state.ToleratedFailureCount, view, "ToleratedFailureCount", 0));
  if (state.ToleratedFailurePercentage !== undefined) {
    const share = await evaluate(
      state.ToleratedFailurePercentage,
      scopeOf(view),
      "ToleratedFailurePercentage",
    );
    if (typeof share !== "number" || share < 0 || share > 100)
      throw unexpected("ToleratedFailurePercentage", "a number from 0 to 100", share);
    limits.push(Math.floor((items * share) / 100));
  }
  // A distributed Map without a tolerance tolerates none, and says so in its own words.
  if (limits.length === 0) return state.ItemProcessor.ProcessorConfig?.Mode === "DISTRIBUTED" ? 0 : undefined;
  return Math.min(...limits);
}

/** A Fail state's fault. */
export async function failureOf(state: FailState, view: View): Promise<Fault> {
  const text = async (field: "Error" | "Cause") => {
    const template = state[field];
    if (template === undefined) return {};
    const value = await evaluate(template, scopeOf(view), field);
    if (typeof value !== "string") throw unexpected(field, "a string", value);
    return { [field]: value };
  };
  return { ...(await text("Error")), ...(await text("Cause")) };
}

/** What a catcher leaves: its Output and Assign see `$states.errorOutput`; without Output that is the output. */
export function caught(catcher: Catcher, view: View, fault: Fault): Promise<Leaving> {
  return leave(catcher, view, { errorOutput: errorOutput(fault) });
}

/** `$states.errorOutput`: Error and Cause, nothing of ours. */
export function errorOutput(fault: Fault): { Error?: string; Cause?: string } {
  return {
    ...(fault.Error === undefined ? {} : { Error: fault.Error }),
    ...(fault.Cause === undefined ? {} : { Cause: fault.Cause }),
  };
}

function scopeOf(view: View, extra: { result?: Json; errorOutput?: Json } = {}): Scope {
  return { states: { input: view.input, context: view.context, ...extra }, variables: view.variables };
}

async function wholeNumber(
  template: number | string,
  view: View,
  field: string,
  least: number,
): Promise<number> {
  const value = await evaluate(template, scopeOf(view), field);
  if (typeof value !== "number" || !Number.isInteger(value) || value < least || value > 99_999_999)
    throw unexpected(field, `a whole number from ${least} to 99999999`, value);
  return value;
}

function unexpected(field: string, wanted: string, value: Json): StateFailure {
  const found = (JSON.stringify(value) ?? "nothing").slice(0, 100);
  return queryFailure(`The field '${field}' must be ${wanted}, but was ${found}.`, field);
}

function runtime(cause: string): StateFailure {
  return new StateFailure({ Error: "States.Runtime", Cause: cause });
}

function isObject(value: Json): value is { readonly [key: string]: Json | undefined } {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}
