/** Puts the product's state machines onto the local Step Functions, as a deployment puts them into AWS. */
import type { StateMachine } from "../workflows/asl.ts";
import { promotionDefinition, rollbackDefinition } from "../workflows/promotion.asl.ts";
import type { MachineOptions } from "../workflows/states.ts";
import { taskDefinition } from "../workflows/task.asl.ts";

const MACHINES: Record<string, { name: string; definition: (options: MachineOptions) => StateMachine }> = {
  PROMOTION: { name: "promotion", definition: promotionDefinition },
  ROLLBACK: { name: "rollback", definition: rollbackDefinition },
  TASK: { name: "task", definition: taskDefinition },
};

/**
 * Creates the machines and their twins for containers, or updates those of an earlier run; returns their ARNs under the
 * functions' variable names. `heartbeatSeconds`: after how long a silent container counts as dead.
 */
export async function putMachines(
  endpoint: string,
  { heartbeatSeconds }: { heartbeatSeconds?: number } = {},
): Promise<Record<string, string>> {
  const { SFNClient } = await import("@aws-sdk/client-sfn");
  const client = new SFNClient({ endpoint });
  const arns: Record<string, string> = {};
  for (const [variable, { name, definition }] of Object.entries(MACHINES)) {
    arns[`REHEARSAL_${variable}_MACHINE`] = await put(client, name, definition({}));
    const twin = definition({
      compute: "fargate",
      ...(heartbeatSeconds !== undefined && { heartbeatSeconds }),
    });
    arns[`REHEARSAL_${variable}_FARGATE_MACHINE`] = await put(client, `${name}-fargate`, twin);
  }
  client.destroy();
  return arns;
}

async function put(
  client: import("@aws-sdk/client-sfn").SFNClient,
  name: string,
  definition: StateMachine,
): Promise<string> {
  const { CreateStateMachineCommand, StateMachineAlreadyExists, UpdateStateMachineCommand } = await import(
    "@aws-sdk/client-sfn"
  );
  const text = JSON.stringify(definition);
  const roleArn = "arn:aws:iam::000000000000:role/rehearsal-local";
  try {
    const made = await client.send(new CreateStateMachineCommand({ name, definition: text, roleArn }));
    return made.stateMachineArn ?? "";
  } catch (error) {
    if (!(error instanceof StateMachineAlreadyExists)) throw error;
    const stateMachineArn = `arn:aws:states:us-east-1:000000000000:stateMachine:${name}`;
    await client.send(new UpdateStateMachineCommand({ stateMachineArn, definition: text }));
    return stateMachineArn;
  }
}
