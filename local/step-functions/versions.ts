/** Versions and aliases of state machines: a version never changes, an alias says which one or two of them are started. After the API reference. */
import * as z from "zod";
import { AwsError, type AwsOperation, operation } from "../aws-json.ts";
import type { Alias, Machines, PublishedVersion, Runnable, StoredMachine } from "./machines.ts";
import { page, paging } from "./paging.ts";

/** What an ARN names: `…:stateMachine:promotion`, `…:stateMachine:promotion:3`, `…:stateMachine:promotion:live`. */
export interface Qualified {
  machine: StoredMachine;
  version?: PublishedVersion;
  alias?: Alias;
}

/** Throws `InvalidArn` or `StateMachineDoesNotExist`. */
export function qualified(machines: Machines, arn: string): Qualified {
  const [, machineArn = "", qualifier] =
    /^(arn:aws[\w-]*:states:[^:]*:[^:]*:stateMachine:[^:]+)(?::([^:]+))?$/.exec(arn) ?? [];
  if (machineArn === "") throw new AwsError("InvalidArn", `Invalid Arn: '${arn}'`);
  const machine = machines.get(machineArn);
  if (machine === undefined) throw absent(arn);
  if (qualifier === undefined) return { machine };
  const alias = machine.aliases?.find(({ name }) => name === qualifier);
  if (alias !== undefined) return { machine, alias };
  const version = machine.versions?.find(({ number }) => String(number) === qualifier);
  if (version === undefined) throw absent(arn);
  return { machine, version };
}

/** The machine itself, for what a version, which never changes, cannot have done to it. */
export function unqualified(machines: Machines, arn: string): StoredMachine {
  const { machine } = qualified(machines, arn);
  if (machine.arn !== arn) throw new AwsError("InvalidArn", `Invalid Arn: '${arn}'`);
  return machine;
}

/** What StartExecution on the ARN runs now. */
export function runnable(machines: Machines, arn: string): Runnable {
  const { machine, alias, version } = qualified(machines, arn);
  if (version !== undefined) return { ...machine, ...frozen(machine, version) };
  if (alias === undefined) return machine;
  const [first, second] = alias.routes;
  const route = Math.random() * 100 < (first?.weight ?? 0) ? first : second;
  const chosen = machine.versions?.find(({ number }) => number === route?.version);
  if (chosen === undefined) throw absent(arn);
  return { ...machine, ...frozen(machine, chosen), aliasArn: arn };
}

/** Asks CreateStateMachine and UpdateStateMachine to publish what they leave, in the same request. */
export const publishing = {
  publish: z.boolean().optional(),
  versionDescription: z.string().max(256).optional(),
};

/** The version of a request that asked for one. */
export function published(
  machines: Machines,
  machine: StoredMachine,
  request: { publish?: boolean | undefined; versionDescription?: string | undefined },
  now: number,
): { stateMachineVersionArn?: string } {
  if (request.publish !== true) return {};
  return { stateMachineVersionArn: publish(machines, machine, request.versionDescription ?? "", now) };
}

/** Publishes the machine as it is, unless a version is that already; returns the version's ARN. */
function publish(machines: Machines, machine: StoredMachine, description: string, now: number): string {
  const versions = machine.versions ?? [];
  const same = versions.find(({ revisionId }) => revisionId === machine.revisionId);
  if (same !== undefined) return versionArn(machine, same);
  const { definition, roleArn, revisionId } = machine;
  const number = (versions.at(-1)?.number ?? 0) + 1;
  const version = { number, description, definition, roleArn, revisionId, createdAt: now };
  machines.put({ ...machine, versions: [...versions, version] });
  return versionArn(machine, version);
}

const arn = z.string().min(1).max(2000);
const description = z.string().max(256).optional();
const routing = z
  .array(z.object({ stateMachineVersionArn: arn, weight: z.int().min(0).max(100) }))
  .min(1)
  .max(2);

export function versionOperations(machines: Machines, now: () => number): Record<string, AwsOperation> {
  const aliasOf = (aliasArn: string) => {
    const { machine, alias } = qualified(machines, aliasArn);
    if (alias === undefined) throw new AwsError("ResourceNotFound", `Alias not found: '${aliasArn}'`);
    return { machine, alias };
  };
  const routesOf = (configuration: z.output<typeof routing>) => {
    const found = configuration.map(({ stateMachineVersionArn, weight }) => {
      const { machine, version } = qualified(machines, stateMachineVersionArn);
      if (version === undefined)
        throw new AwsError("ResourceNotFound", `Version not found: '${stateMachineVersionArn}'`);
      return { machine, route: { version: version.number, weight } };
    });
    const [first] = found;
    const total = found.reduce((sum, { route }) => sum + route.weight, 0);
    if (
      first === undefined ||
      total !== 100 ||
      found.some(({ machine }) => machine.arn !== first.machine.arn)
    )
      throw new AwsError(
        "ValidationException",
        "routingConfiguration: its weights must add up to 100, its versions be of one machine",
      );
    return { machine: first.machine, routes: found.map(({ route }) => route) };
  };
  const store = (machine: StoredMachine, alias: Alias) => {
    const others = (machine.aliases ?? []).filter(({ name }) => name !== alias.name);
    machines.put({ ...machine, aliases: [...others, alias] });
  };

  return {
    PublishStateMachineVersion: operation(
      z.object({ stateMachineArn: arn, revisionId: z.string().optional(), description }),
      (request) => {
        const machine = unqualified(machines, request.stateMachineArn);
        if (request.revisionId !== undefined && request.revisionId !== machine.revisionId)
          throw new AwsError("ConflictException", "The state machine has another revision by now");
        const made = publish(machines, machine, request.description ?? "", now());
        const { createdAt = now() } = qualified(machines, made).version ?? {};
        return { stateMachineVersionArn: made, creationDate: createdAt / 1000 };
      },
    ),
    ListStateMachineVersions: operation(z.object({ stateMachineArn: arn, ...paging }), (request) => {
      const { machine } = qualified(machines, request.stateMachineArn);
      const { items, nextToken } = page((machine.versions ?? []).toReversed(), request);
      return {
        stateMachineVersions: items.map((version) => ({
          stateMachineVersionArn: versionArn(machine, version),
          creationDate: version.createdAt / 1000,
        })),
        ...nextToken,
      };
    }),
    CreateStateMachineAlias: operation(
      z.object({
        // With a letter in it, so that it is no version.
        name: z
          .string()
          .max(80)
          .regex(/^(?=.*[a-zA-Z_\-.])[a-zA-Z0-9_\-.]+$/),
        description,
        routingConfiguration: routing,
      }),
      (request) => {
        const { machine, routes } = routesOf(request.routingConfiguration);
        const earlier = machine.aliases?.find(({ name }) => name === request.name);
        const wanted = { name: request.name, description: request.description ?? "", routes };
        const { createdAt, updatedAt, ...stands } = earlier ?? { createdAt: now(), updatedAt: now() };
        if (earlier !== undefined && JSON.stringify(stands) !== JSON.stringify(wanted))
          throw new AwsError(
            "ConflictException",
            `the alias "${request.name}" stands with another configuration`,
          );
        store(machine, { ...wanted, createdAt, updatedAt });
        return { stateMachineAliasArn: `${machine.arn}:${request.name}`, creationDate: createdAt / 1000 };
      },
    ),
    UpdateStateMachineAlias: operation(
      z.object({ stateMachineAliasArn: arn, description, routingConfiguration: routing.optional() }),
      (request) => {
        const { machine, alias } = aliasOf(request.stateMachineAliasArn);
        const routed =
          request.routingConfiguration === undefined
            ? { machine, routes: alias.routes }
            : routesOf(request.routingConfiguration);
        if (routed.machine.arn !== machine.arn)
          throw new AwsError("ValidationException", "routingConfiguration: a version of another machine");
        const updatedAt = now();
        store(machine, {
          ...alias,
          description: request.description ?? alias.description,
          routes: routed.routes,
          updatedAt,
        });
        return { updateDate: updatedAt / 1000 };
      },
    ),
    DescribeStateMachineAlias: operation(z.object({ stateMachineAliasArn: arn }), (request) => {
      const { machine, alias } = aliasOf(request.stateMachineAliasArn);
      return {
        stateMachineAliasArn: request.stateMachineAliasArn,
        name: alias.name,
        description: alias.description,
        routingConfiguration: alias.routes.map(({ version, weight }) => ({
          stateMachineVersionArn: `${machine.arn}:${version}`,
          weight,
        })),
        creationDate: alias.createdAt / 1000,
        updateDate: alias.updatedAt / 1000,
      };
    }),
  };
}

function versionArn(machine: StoredMachine, { number }: Pick<PublishedVersion, "number">): string {
  return `${machine.arn}:${number}`;
}

function frozen(machine: StoredMachine, version: PublishedVersion) {
  const { definition, roleArn } = version;
  return { definition, roleArn, versionArn: versionArn(machine, version) };
}

function absent(arn: string): AwsError {
  return new AwsError("StateMachineDoesNotExist", `State Machine Does Not Exist: '${arn}'`);
}
