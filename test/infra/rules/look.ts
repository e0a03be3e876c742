/** How rules look at a program: everything below a resource's inputs, with where it stands, and its policies as what they are. */
import { type Input, type Inputs, Program, type Resource } from "../program.ts";

/** What is wrong, a line each; none when the rule holds. */
export type Rule = (program: Program) => string[];

export interface Place {
  resource: Resource;
  /** `ingress.0.cidrBlocks`. */
  path: string;
  value: Input;
}

/** Every value of every resource, lists and objects as well as what is in them. */
export function* places(program: Program): Generator<Place> {
  for (const resource of program.resources) yield* below(resource, "", resource.inputs);
}

function* below(resource: Resource, path: string, value: Input): Generator<Place> {
  yield { resource, path, value };
  if (typeof value !== "object" || value === null) return;
  for (const [key, inner] of Object.entries(value))
    yield* below(resource, path === "" ? key : `${path}.${key}`, inner);
}

export interface PolicyStatement {
  resource: Resource;
  Sid: string;
  Effect: string;
  Principal: Input | undefined;
  Action: string[];
  Resource: string[];
  Condition: Inputs | undefined;
}

/** Every statement of every policy, of roles, buckets, queues, keys and topics, whatever the policy's key is called. */
export function statements(program: Program): PolicyStatement[] {
  const found: PolicyStatement[] = [];
  for (const { resource, value } of places(program)) {
    if (typeof value !== "string" || !value.startsWith('{"Version":"2012-10-17"')) continue;
    const { Statement } = JSON.parse(value) as { Statement: Inputs[] };
    for (const statement of Statement)
      found.push({
        resource,
        Sid: String(statement.Sid),
        Effect: String(statement.Effect),
        Principal: statement.Principal,
        Action: texts(statement.Action),
        Resource: texts(statement.Resource),
        Condition: statement.Condition as Inputs | undefined,
      });
  }
  return found;
}

/** One text or several, as policies write both. */
export function texts(value: Input | undefined): string[] {
  return (Array.isArray(value) ? value : value === undefined ? [] : [value]).map(String);
}

/** The value at a path of a resource's inputs: `environment.variables`. */
export function at(resource: Resource, path: string): Input | undefined {
  let value: Input | undefined = resource.inputs;
  for (const key of path.split("."))
    value = typeof value === "object" && value !== null ? (value as Inputs)[key] : undefined;
  return value;
}

/** The same program with one resource changed: a rule that holds of both sees nothing. */
export function broken(
  program: Program,
  type: string,
  name: string | undefined,
  change: (inputs: Inputs) => void,
): Program {
  const copy = structuredClone(program.resources);
  const made = new Program(copy, program.outputs);
  const found = name === undefined ? made.all(type)[0] : made.one(type, name);
  if (found === undefined) throw new Error(`there is no ${type} to break`);
  change(found.inputs);
  return made;
}

/** The same program with one more resource. */
export function joined(program: Program, type: string, inputs: Inputs): Program {
  const bare = { dependsOn: [], protect: false, retainOnDelete: false, ignoreChanges: [] };
  const resource = { type, name: "Joined", inputs, ...bare };
  return new Program([...program.resources, resource], program.outputs);
}
