/** Puts the product's state machines onto the local Step Functions, as a deployment puts them into AWS. */
import type { SFNClient } from "@aws-sdk/client-sfn";
import type { StateMachine } from "../workflows/asl.ts";
import { type Bindings, bind, LIVE } from "../workflows/binding.ts";
import { promotionDefinition, rollbackDefinition } from "../workflows/promotion.asl.ts";
import { pruneDefinition } from "../workflows/prune.asl.ts";
import type { MachineOptions } from "../workflows/states.ts";
import { taskDefinition } from "../workflows/task.asl.ts";

/** Those with a twin whose long steps run in a container. */
const MACHINES: Record<string, { name: string; definition: (options: MachineOptions) => StateMachine }> = {
  PROMOTION: { name: "promotion", definition: promotionDefinition },
  ROLLBACK: { name: "rollback", definition: rollbackDefinition },
  TASK: { name: "task", definition: taskDefinition },
};

export interface MachineSettings {
  /** After how long a silent container counts as dead. */
  heartbeatSeconds?: number;
  /** How the machines call their functions; by their names, whatever runs under them, when left out. */
  functionArn?: Bindings["functionArn"];
}

/** There is one of each on this machine; the names are those of the definitions. */
const CONTAINER: NonNullable<Bindings["container"]> = {
  cluster: "cluster",
  taskDefinition: "container",
  securityGroups: ["security-group"],
  subnets: ["subnet"],
};

/**
 * Creates the machines and their twins for containers, or updates those of an earlier run, and publishes each; returns
 * the ARNs of their aliases under the functions' variable names.
 */
export async function putMachines(
  endpoint: string,
  { heartbeatSeconds, functionArn = (name) => name }: MachineSettings = {},
): Promise<Record<string, string>> {
  const { SFNClient } = await import("@aws-sdk/client-sfn");
  const client = new SFNClient({ endpoint });
  const bound = (definition: StateMachine) => bind(definition, { functionArn, container: CONTAINER });
  const arns: Record<string, string> = {};
  for (const [variable, { name, definition }] of Object.entries(MACHINES)) {
    arns[`REHEARSAL_${variable}_MACHINE`] = await put(client, name, bound(definition({})));
    const twin = definition({
      compute: "fargate",
      ...(heartbeatSeconds !== undefined && { heartbeatSeconds }),
    });
    arns[`REHEARSAL_${variable}_FARGATE_MACHINE`] = await put(client, `${name}-fargate`, bound(twin));
  }
  arns.REHEARSAL_PRUNE_MACHINE = await put(client, "prune", bound(pruneDefinition()));
  client.destroy();
  return arns;
}

/** Publishes the machine as a new version, unless its newest is the same, and lets the alias point to that. */
async function put(client: SFNClient, name: string, definition: StateMachine): Promise<string> {
  const sdk = await import("@aws-sdk/client-sfn");
  const asked = { definition: JSON.stringify(definition), publish: true };
  const roleArn = "arn:aws:iam::000000000000:role/rehearsal-local";
  const stateMachineArn = `arn:aws:states:us-east-1:000000000000:stateMachine:${name}`;
  const { stateMachineVersionArn } = await client
    .send(new sdk.CreateStateMachineCommand({ ...asked, name, roleArn }))
    .catch((error: unknown) => {
      if (!(error instanceof sdk.StateMachineAlreadyExists)) throw error;
      return client.send(new sdk.UpdateStateMachineCommand({ ...asked, stateMachineArn }));
    });
  const routingConfiguration = [{ stateMachineVersionArn, weight: 100 }];
  const stateMachineAliasArn = `${stateMachineArn}:${LIVE}`;
  await client
    .send(new sdk.CreateStateMachineAliasCommand({ name: LIVE, routingConfiguration }))
    .catch((error: unknown) => {
      if (!(error instanceof sdk.ConflictException)) throw error;
      return client.send(
        new sdk.UpdateStateMachineAliasCommand({ stateMachineAliasArn, routingConfiguration }),
      );
    });
  return stateMachineAliasArn;
}
