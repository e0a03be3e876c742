/** The state machines, from the very definitions that run on one machine; only names become ARNs. */
import type { StateMachine } from "../workflows/asl.ts";
import { type Bindings, bind, functionsOf, LIVE } from "../workflows/binding.ts";
import { promotionDefinition, rollbackDefinition } from "../workflows/promotion.asl.ts";
import { pruneDefinition } from "../workflows/prune.asl.ts";
import { taskDefinition } from "../workflows/task.asl.ts";
import type { ControlDatabase } from "./control-database.ts";
import {
  type FunctionName,
  logGroupArn,
  type MachineName,
  machineLogGroup,
  machineNameOf,
} from "./deployment.ts";
import type { DeployedFunction } from "./functions.ts";
import type { Place } from "./place.ts";
import { createRole, idOf } from "./roles.ts";

/** Each machine's definition; those with `-fargate` run their long steps in the container. */
export const DEFINITIONS: Record<MachineName, () => StateMachine> = {
  promotion: promotionDefinition,
  rollback: rollbackDefinition,
  task: taskDefinition,
  prune: pruneDefinition,
  "promotion-fargate": () => promotionDefinition({ compute: "fargate" }),
  "rollback-fargate": () => rollbackDefinition({ compute: "fargate" }),
  "task-fargate": () => taskDefinition({ compute: "fargate" }),
};

export interface MachinesOptions {
  functions: Record<FunctionName, DeployedFunction>;
  control: ControlDatabase;
  /** What the machines with `-fargate` run; without it they are not made. */
  container?: $util.Output<NonNullable<Bindings["container"]>>;
  /** Until it is done, executions are started on what was live before. */
  prepared: $util.Resource;
}

export function createMachines(place: Place, options: MachinesOptions): aws.sfn.StateMachine[] {
  const names = Object.keys(DEFINITIONS) as MachineName[];
  return names
    .filter((name) => options.container !== undefined || !name.endsWith("-fargate"))
    .map((name) => createMachine(place, name, options));
}

function createMachine(
  place: Place,
  name: MachineName,
  { functions, control, container, prepared }: MachinesOptions,
): aws.sfn.StateMachine {
  const { deployment: d, settings } = place;
  const id = `${idOf(name)}Machine`;
  const logs = new aws.cloudwatch.LogGroup(`${id}Logs`, {
    ...{ name: machineLogGroup(d, name), retentionInDays: settings.logDays },
  });
  const { role, policy } = createRole(place, `machine-${name}`, control);
  const definition = DEFINITIONS[name]();
  const called = functionsOf(definition);
  const machine = new aws.sfn.StateMachine(
    id,
    {
      ...{ name: machineNameOf(d, name), type: "STANDARD", roleArn: role.arn },
      definition: $util
        .all([
          $util.all(called.map((each) => functions[each].function.qualifiedArn)),
          $util.output(container),
        ])
        .apply(([arns, where]) => {
          const versions = new Map(called.map((each, index) => [each, arns[index] ?? ""]));
          const functionArn = (each: FunctionName) => versions.get(each) ?? "";
          return JSON.stringify(bind(definition, { functionArn, ...(where && { container: where }) }));
        }),
      loggingConfiguration: {
        level: "ALL",
        // What a step is given and leaves is in the ledger, for those who may see the environment; a log has more readers.
        includeExecutionData: false,
        logDestination: logGroupArn(d, machineLogGroup(d, name)),
      },
      tracingConfiguration: { enabled: true },
      publish: true,
    },
    { dependsOn: [policy, logs] },
  );
  new aws.sfn.Alias(
    `${id}Alias`,
    {
      name: LIVE,
      routingConfigurations: [{ stateMachineVersionArn: machine.stateMachineVersionArn, weight: 100 }],
    },
    { dependsOn: [prepared] },
  );
  return machine;
}
