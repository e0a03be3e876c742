/** The machines as they would be deployed, held against the definitions that run on one machine. */
import { beforeAll, expect, test } from "vitest";
import {
  type Deployment,
  functionOfArn,
  functionVersionArns,
  type MachineName,
  machineNameOf,
} from "../../infra/deployment.ts";
import type { StateMachine } from "../../workflows/asl.ts";
import { bind, functionsOf } from "../../workflows/binding.ts";
import type { FunctionName } from "../../workflows/modules.ts";
import { promotionDefinition, rollbackDefinition } from "../../workflows/promotion.asl.ts";
import { pruneDefinition } from "../../workflows/prune.asl.ts";
import { taskDefinition } from "../../workflows/task.asl.ts";
import { ACCOUNT, evaluate, type Program } from "./program.ts";
import { at, statements } from "./rules/look.ts";

/** deploy/example.yaml has a container, so every machine is there. */
const d: Deployment = {
  ...{ app: "rehearsal", stage: "example", partition: "aws", region: "eu-west-1", account: ACCOUNT },
};

const DEFINITIONS: [MachineName, () => StateMachine][] = [
  ["promotion", promotionDefinition],
  ["rollback", rollbackDefinition],
  ["task", taskDefinition],
  ["prune", pruneDefinition],
  ["promotion-fargate", () => promotionDefinition({ compute: "fargate" })],
  ["rollback-fargate", () => rollbackDefinition({ compute: "fargate" })],
  ["task-fargate", () => taskDefinition({ compute: "fargate" })],
];

let program: Program;
beforeAll(async () => {
  program = await evaluate(d.stage);
}, 600_000);

const machineOf = (name: MachineName) => {
  const found = program.all("sfn.StateMachine").find(({ inputs }) => inputs.name === machineNameOf(d, name));
  if (found === undefined) throw new Error(`there is no machine ${name}`);
  return found;
};

/** What the names of the container stand for, as the local stack has them. */
const CONTAINER = {
  ...{ cluster: "cluster", taskDefinition: "container" },
  ...{ securityGroups: ["security-group"], subnets: ["subnet"] },
};

test("there is a machine for each definition, and no other", () => {
  const names = program.all("sfn.StateMachine").map(({ inputs }) => inputs.name);
  expect(names.sort()).toEqual(DEFINITIONS.map(([name]) => machineNameOf(d, name)).sort());
});

test.each(DEFINITIONS)(
  "%s is its definition, byte for byte, once ARNs are names again",
  (name, definition) => {
    const text = String(machineOf(name).inputs.definition);
    const deployed = JSON.parse(text) as StateMachine;
    // Every function by a version that was published, so that a running execution stays on it.
    for (const arn of functionsOf(deployed))
      expect(arn).toMatch(
        new RegExp(`^arn:aws:lambda:eu-west-1:${ACCOUNT}:function:rehearsal-example-[a-z-]+:\\d+$`),
      );
    const functionArn = (arn: string) => functionOfArn(d, arn) as FunctionName;
    const unbound = bind(deployed, { functionArn, container: CONTAINER });
    expect(JSON.stringify(unbound)).toBe(JSON.stringify(definition()));
    // Bound, nothing of a name is left that only this machine knows.
    expect(text).not.toMatch(/"(?:cluster|container|security-group|subnet)"/);
  },
);

test.each(DEFINITIONS)(
  "%s keeps versions, logs without data, is traced, and starts on what is live",
  (name) => {
    const machine = machineOf(name);
    expect(machine.inputs).toMatchObject({
      type: "STANDARD",
      publish: true,
      tracingConfiguration: { enabled: true },
    });
    expect(machine.inputs.loggingConfiguration).toMatchObject({ level: "ALL", includeExecutionData: false });
    const alias = program.one("sfn.Alias", `${machine.name}Alias`);
    expect(alias.inputs).toEqual({
      name: "live",
      routingConfigurations: [
        { stateMachineVersionArn: expect.stringMatching(/:stateMachine:[a-z-]+:\d+$/), weight: 100 },
      ],
    });
  },
);

test.each(DEFINITIONS)(
  "%s may call the functions that it names, in every version, and nothing else",
  (name, definition) => {
    const machine = machineOf(name);
    const role = String(at(machine, "roleArn")).split("/").at(-1);
    const calls = statements(program).filter(
      ({ resource, Action }) => resource.inputs.role === role && Action.includes("lambda:InvokeFunction"),
    );
    // Earlier versions too: a promotion that runs while we deploy calls those that it began with.
    const wanted = functionsOf(definition()).map((each) => functionVersionArns(d, each));
    expect(calls.flatMap(({ Resource }) => Resource).sort()).toEqual(wanted.sort());
    expect(calls.flatMap(({ Action }) => Action)).toEqual(calls.map(() => "lambda:InvokeFunction"));
  },
);

test("a machine whose definition departs from its own is seen", () => {
  const deployed = JSON.parse(String(machineOf("task").inputs.definition)) as StateMachine;
  const altered = { ...deployed, TimeoutSeconds: 1 };
  const functionArn = (arn: string) => functionOfArn(d, arn) as FunctionName;
  expect(JSON.stringify(bind(altered, { functionArn }))).not.toBe(JSON.stringify(taskDefinition()));
  expect(functionOfArn(d, "arn:aws:lambda:us-east-1:1:function:rehearsal-other-task:1")).toBeUndefined();
});
