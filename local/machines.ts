/** Puts the product's state machines onto the local Step Functions, as a deployment puts them into AWS. */
import type { StateMachine } from "../workflows/asl.ts";
import { promotionDefinition, rollbackDefinition } from "../workflows/promotion.asl.ts";
import { taskDefinition } from "../workflows/task.asl.ts";

const MACHINES: Record<string, { name: string; definition: () => StateMachine }> = {
  REHEARSAL_PROMOTION_MACHINE: { name: "promotion", definition: promotionDefinition },
  REHEARSAL_ROLLBACK_MACHINE: { name: "rollback", definition: rollbackDefinition },
  REHEARSAL_TASK_MACHINE: { name: "task", definition: taskDefinition },
};

/** Creates the machines, or updates those of an earlier run; returns their ARNs under the functions' variable names. */
export async function putMachines(endpoint: string): Promise<Record<string, string>> {
  const { CreateStateMachineCommand, SFNClient, StateMachineAlreadyExists, UpdateStateMachineCommand } =
    await import("@aws-sdk/client-sfn");
  const client = new SFNClient({ endpoint });
  const roleArn = "arn:aws:iam::000000000000:role/rehearsal-local";
  const arns: Record<string, string> = {};
  for (const [variable, { name, definition }] of Object.entries(MACHINES)) {
    const text = JSON.stringify(definition());
    try {
      const made = await client.send(new CreateStateMachineCommand({ name, definition: text, roleArn }));
      arns[variable] = made.stateMachineArn ?? "";
    } catch (error) {
      if (!(error instanceof StateMachineAlreadyExists)) throw error;
      const stateMachineArn = `arn:aws:states:us-east-1:000000000000:stateMachine:${name}`;
      await client.send(new UpdateStateMachineCommand({ stateMachineArn, definition: text }));
      arns[variable] = stateMachineArn;
    }
  }
  client.destroy();
  return arns;
}
