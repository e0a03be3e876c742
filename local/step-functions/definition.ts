/** Reads a state machine's definition, JSONata only, and refuses early what would fail late. */
import * as z from "zod";
import type { Json } from "../../core/canonical-json.ts";
import { expressionIn, expressionProblem } from "./expression.ts";
import type { Definition, Machine, State } from "./states-language.ts";

/** What is wrong with a definition, in words that name the place: `States.Approve.Next: …`. */
export interface Problem {
  location: string;
  message: string;
}

/** Reads a definition; either the definition or its problems, never both. */
export function parseDefinition(text: string): { definition: Definition } | { problems: Problem[] } {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return { problems: [{ location: "", message: `it is not JSON: ${(error as Error).message}` }] };
  }
  const parsed = definitionShape.safeParse(value);
  if (!parsed.success)
    return {
      problems: parsed.error.issues.map((issue) => ({
        location: issue.path.join("."),
        message: issue.message,
      })),
    };
  const definition = parsed.data as unknown as Definition;
  const problems = [...problemsOf(definition, "", new Set()), ...expressionProblems(value as Json, "")];
  return problems.length > 0 ? { problems } : { definition };
}

const expression = z
  .string()
  .refine((text) => expressionIn(text) !== undefined, "must be a number or {% JSONata %}");
const orExpression = (whole: z.ZodType) => z.union([whole, expression]);
const template = z.json();
const variables = z.record(
  z
    .string()
    .regex(/^[\p{ID_Start}_][\p{ID_Continue}]*$/u, "is not a variable's name")
    .max(80),
  template,
);

const said = { Comment: z.string().optional(), QueryLanguage: z.literal("JSONata").optional() };
const data = { Output: template.optional(), Assign: variables.optional() };
const onward = { Next: z.string().optional(), End: z.boolean().optional() };
const errors = z.array(z.string()).min(1);
const recovery = {
  Retry: z
    .array(
      z.strictObject({
        Comment: z.string().optional(),
        ErrorEquals: errors,
        IntervalSeconds: z.int().min(1).max(99_999_999).optional(),
        BackoffRate: z.number().min(1).optional(),
        MaxAttempts: z.int().min(0).max(99_999_999).optional(),
        MaxDelaySeconds: z.int().min(1).max(31_622_400).optional(),
        JitterStrategy: z.enum(["FULL", "NONE"]).optional(),
      }),
    )
    .optional(),
  Catch: z
    .array(z.strictObject({ Comment: z.string().optional(), ErrorEquals: errors, Next: z.string(), ...data }))
    .optional(),
};
const seconds = orExpression(z.int().min(1).max(99_999_999)).optional();

const machine = { StartAt: z.string(), States: z.lazy(() => z.record(z.string().min(1).max(80), state)) };

/** Strict on purpose: a field of JSONPath (`Parameters`, `ResultPath` …) or one AWS does not know is refused by name. */
const state: z.ZodType = z.discriminatedUnion("Type", [
  z.strictObject({ Type: z.literal("Pass"), ...said, ...data, ...onward }),
  z.strictObject({ Type: z.literal("Succeed"), ...said, Output: template.optional() }),
  z.strictObject({
    Type: z.literal("Fail"),
    ...said,
    Error: z.string().optional(),
    Cause: z.string().optional(),
  }),
  z.strictObject({
    Type: z.literal("Choice"),
    ...said,
    ...data,
    Choices: z
      .array(
        z.strictObject({
          Comment: z.string().optional(),
          Condition: z.union([z.boolean(), expression]),
          Next: z.string(),
          ...data,
        }),
      )
      .min(1),
    Default: z.string().optional(),
  }),
  z.strictObject({
    Type: z.literal("Wait"),
    ...said,
    ...data,
    ...onward,
    Seconds: orExpression(z.int().min(0).max(99_999_999)).optional(),
    Timestamp: z.string().optional(),
  }),
  z.strictObject({
    Type: z.literal("Task"),
    ...said,
    ...data,
    ...onward,
    ...recovery,
    Resource: z.string(),
    Arguments: template.optional(),
    TimeoutSeconds: seconds,
    HeartbeatSeconds: seconds,
  }),
  z.strictObject({
    Type: z.literal("Parallel"),
    ...said,
    ...data,
    ...onward,
    ...recovery,
    Arguments: template.optional(),
    Branches: z.array(z.strictObject({ Comment: z.string().optional(), ...machine })).min(1),
  }),
  z.strictObject({
    Type: z.literal("Map"),
    ...said,
    ...data,
    ...onward,
    ...recovery,
    Items: z.union([z.array(template), expression]).optional(),
    ItemSelector: template.optional(),
    ItemProcessor: z.strictObject({
      Comment: z.string().optional(),
      ProcessorConfig: z
        .strictObject({
          Mode: z.enum(["INLINE", "DISTRIBUTED"]).optional(),
          ExecutionType: z.enum(["STANDARD", "EXPRESS"]).optional(),
        })
        .optional(),
      ...machine,
    }),
    MaxConcurrency: orExpression(z.int().min(0)).optional(),
    ToleratedFailureCount: orExpression(z.int().min(0)).optional(),
    ToleratedFailurePercentage: orExpression(z.number().min(0).max(100)).optional(),
    Label: z.string().max(40).optional(),
  }),
]);

const definitionShape = z.strictObject({
  Comment: z.string().optional(),
  Version: z.literal("1.0").optional(),
  QueryLanguage: z.literal("JSONata", "only QueryLanguage JSONata is run here"),
  TimeoutSeconds: z.int().min(1).max(99_999_999).optional(),
  ...machine,
});

/** The two ways a Task reaches Lambda, the direct one, and the one that runs a container. */
export function taskKind(resource: string): "invoke" | "callback" | "direct" | "container" | undefined {
  if (resource === "arn:aws:states:::lambda:invoke") return "invoke";
  if (resource === "arn:aws:states:::lambda:invoke.waitForTaskToken") return "callback";
  if (resource === "arn:aws:states:::ecs:runTask.waitForTaskToken") return "container";
  return /^arn:aws[\w-]*:lambda:[^:]*:[^:]*:function:[^:]+(:[^:]+)?$/.test(resource) ? "direct" : undefined;
}

function* problemsOf(machine: Machine, at: string, outer: ReadonlySet<string>): Generator<Problem> {
  const names = Object.keys(machine.States);
  const known = (name: string | undefined) => name !== undefined && Object.hasOwn(machine.States, name);
  if (!known(machine.StartAt))
    yield { location: `${at}StartAt`, message: `there is no state "${machine.StartAt}"` };
  const assigned = new Set(names.flatMap((name) => assignedIn(machine.States[name])));
  // "A variable in an inner scope cannot have the name of one in an outer scope" (developer guide, workflow variables).
  for (const name of assigned)
    if (outer.has(name))
      yield {
        location: `${at}States`,
        message: `the variable "${name}" is already assigned in an outer scope`,
      };
  const reached = new Set<string>();
  const walk = [machine.StartAt];
  for (let name = walk.pop(); name !== undefined; name = walk.pop()) {
    if (reached.has(name)) continue;
    reached.add(name);
    walk.push(...targetsOf(machine.States[name]));
  }
  for (const name of names) {
    const here = `${at}States.${name}`;
    const one = machine.States[name];
    if (one === undefined) continue;
    if (!reached.has(name)) yield { location: here, message: "no state leads here" };
    for (const target of targetsOf(one))
      if (!known(target)) yield { location: `${here}.Next`, message: `there is no state "${target}"` };
    yield* stateProblems(one, here);
    const inside = new Set([...outer, ...assigned]);
    if (one.Type === "Parallel")
      for (const [index, branch] of one.Branches.entries())
        yield* problemsOf(branch, `${here}.Branches.${index}.`, inside);
    if (one.Type === "Map") yield* problemsOf(one.ItemProcessor, `${here}.ItemProcessor.`, inside);
  }
}

function* stateProblems(one: State, here: string): Generator<Problem> {
  if (one.Type !== "Choice" && one.Type !== "Succeed" && one.Type !== "Fail") {
    const { Next, End } = one as { Next?: string; End?: boolean };
    if ((Next === undefined) === (End !== true))
      yield { location: here, message: "exactly one of Next and End must be given" };
  }
  if (one.Type === "Wait") {
    if ((one.Seconds === undefined) === (one.Timestamp === undefined))
      yield { location: here, message: "exactly one of Seconds and Timestamp must be given" };
    if (one.Timestamp && expressionIn(one.Timestamp) === undefined && Number.isNaN(Date.parse(one.Timestamp)))
      yield { location: `${here}.Timestamp`, message: "is not a time" };
  }
  if (one.Type === "Task") {
    if (taskKind(one.Resource) === undefined)
      yield { location: `${here}.Resource`, message: `"${one.Resource}" is not served here` };
    const { TimeoutSeconds: timeout, HeartbeatSeconds: heartbeat } = one;
    if (typeof timeout === "number" && typeof heartbeat === "number" && heartbeat >= timeout)
      yield { location: `${here}.HeartbeatSeconds`, message: "must be smaller than TimeoutSeconds" };
  }
  if (one.Type === "Task" || one.Type === "Parallel" || one.Type === "Map")
    for (const field of ["Retry", "Catch"] as const) {
      const rules = one[field] ?? [];
      for (const [index, rule] of rules.entries()) {
        if (!rule.ErrorEquals.includes("States.ALL")) continue;
        if (rule.ErrorEquals.length > 1 || index < rules.length - 1)
          yield { location: `${here}.${field}.${index}`, message: "States.ALL must stand alone and last" };
      }
    }
}

function targetsOf(one: State | undefined): string[] {
  if (one === undefined || one.Type === "Fail") return [];
  const onward = [one.Next ?? []].flat();
  if (one.Type === "Choice")
    return [...one.Choices.map((rule) => rule.Next), ...(one.Default === undefined ? [] : [one.Default])];
  return "Catch" in one ? [...onward, ...(one.Catch ?? []).map((catcher) => catcher.Next)] : onward;
}

function assignedIn(one: State | undefined): string[] {
  if (one === undefined || one.Type === "Fail") return [];
  const rules = one.Type === "Choice" ? one.Choices : "Catch" in one ? (one.Catch ?? []) : [];
  return [one.Assign, ...rules.map((rule) => rule.Assign)].flatMap((assign) => Object.keys(assign ?? {}));
}

function* expressionProblems(value: Json, at: string): Generator<Problem> {
  if (typeof value === "string") {
    const source = expressionIn(value);
    const problem = source === undefined ? undefined : expressionProblem(source);
    if (problem !== undefined) yield { location: at, message: `the JSONata does not parse: ${problem}` };
  } else if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) yield* expressionProblems(item, `${at}.${index}`);
  } else if (value !== null && typeof value === "object")
    for (const [key, member] of Object.entries(value))
      if (member !== undefined) yield* expressionProblems(member, at === "" ? key : `${at}.${key}`);
}
