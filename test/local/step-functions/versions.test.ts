/** Versions and aliases of state machines, by the SDK: what was published stays as it was, and an execution stays on what it began with. */
import {
  CreateStateMachineAliasCommand,
  CreateStateMachineCommand,
  DescribeExecutionCommand,
  DescribeStateMachineAliasCommand,
  DescribeStateMachineCommand,
  ListExecutionsCommand,
  ListStateMachineVersionsCommand,
  PublishStateMachineVersionCommand,
  StartExecutionCommand,
  UpdateStateMachineAliasCommand,
  UpdateStateMachineCommand,
} from "@aws-sdk/client-sfn";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openStage, ROLE } from "./stage.ts";

let stage: Awaited<ReturnType<typeof openStage>>;

beforeEach(async () => {
  stage = await openStage();
});

afterEach(() => stage.close());

/** A machine that tells which of its definitions runs. */
const says = (word: string) =>
  JSON.stringify({
    QueryLanguage: "JSONata",
    StartAt: "say",
    States: { say: { Type: "Pass", Output: word, End: true } },
  });

async function publishTwo() {
  const { client } = stage;
  const made = await client.send(
    new CreateStateMachineCommand({
      name: "promotion",
      definition: says("one"),
      roleArn: ROLE,
      publish: true,
    }),
  );
  const stateMachineArn = made.stateMachineArn ?? "";
  const updated = await client.send(
    new UpdateStateMachineCommand({ stateMachineArn, definition: says("two"), publish: true }),
  );
  expect([made.stateMachineVersionArn, updated.stateMachineVersionArn]).toEqual([
    `${stateMachineArn}:1`,
    `${stateMachineArn}:2`,
  ]);
  return stateMachineArn;
}

async function run(stateMachineArn: string, name: string) {
  const { executionArn = "" } = await stage.client.send(new StartExecutionCommand({ stateMachineArn, name }));
  await stage.ended(executionArn);
  return stage.client.send(new DescribeExecutionCommand({ executionArn }));
}

test("a version is run as it was published, and an execution tells which it is on", async () => {
  const arn = await publishTwo();
  expect(await run(`${arn}:1`, "first")).toMatchObject({
    // The execution's own name knows nothing of versions.
    executionArn: `${arn.replace(":stateMachine:", ":execution:")}:first`,
    stateMachineArn: arn,
    stateMachineVersionArn: `${arn}:1`,
    output: '"one"',
  });
  const unversioned = await run(arn, "second");
  expect([unversioned.output, unversioned.stateMachineVersionArn]).toEqual(['"two"', undefined]);
  const { client } = stage;
  expect(await client.send(new DescribeStateMachineCommand({ stateMachineArn: `${arn}:1` }))).toMatchObject({
    stateMachineArn: `${arn}:1`,
    definition: says("one"),
  });
  const { executions } = await client.send(new ListExecutionsCommand({ stateMachineArn: `${arn}:1` }));
  expect(executions?.map(({ name }) => name)).toEqual(["first"]);
  await expect(run(`${arn}:3`, "third")).rejects.toMatchObject({ name: "StateMachineDoesNotExist" });
});

test("what is as it was published is not published again", async () => {
  const arn = await publishTwo();
  const { client } = stage;
  const again = await client.send(
    new UpdateStateMachineCommand({ stateMachineArn: arn, definition: says("two"), publish: true }),
  );
  expect(again.stateMachineVersionArn).toBe(`${arn}:2`);
  const published = await client.send(new PublishStateMachineVersionCommand({ stateMachineArn: arn }));
  expect(published.stateMachineVersionArn).toBe(`${arn}:2`);
  await client.send(new UpdateStateMachineCommand({ stateMachineArn: arn, definition: says("three") }));
  await expect(
    client.send(
      new PublishStateMachineVersionCommand({ stateMachineArn: arn, revisionId: again.revisionId }),
    ),
  ).rejects.toMatchObject({ name: "ConflictException" });
  const { stateMachineVersions } = await client.send(
    new ListStateMachineVersionsCommand({ stateMachineArn: arn }),
  );
  expect(stateMachineVersions?.map((one) => one.stateMachineVersionArn)).toEqual([`${arn}:2`, `${arn}:1`]);
});

test("an alias is what it points to when an execution begins", async () => {
  const arn = await publishTwo();
  const { client } = stage;
  const to = (version: number) => [{ stateMachineVersionArn: `${arn}:${version}`, weight: 100 }];
  const create = (version: number) =>
    client.send(new CreateStateMachineAliasCommand({ name: "live", routingConfiguration: to(version) }));
  expect((await create(1)).stateMachineAliasArn).toBe(`${arn}:live`);
  expect((await create(1)).stateMachineAliasArn).toBe(`${arn}:live`);
  await expect(create(2)).rejects.toMatchObject({ name: "ConflictException" });
  expect(await run(`${arn}:live`, "before")).toMatchObject({
    output: '"one"',
    stateMachineArn: arn,
    stateMachineVersionArn: `${arn}:1`,
    stateMachineAliasArn: `${arn}:live`,
  });
  await client.send(
    new UpdateStateMachineAliasCommand({ stateMachineAliasArn: `${arn}:live`, routingConfiguration: to(2) }),
  );
  expect((await run(`${arn}:live`, "after")).output).toBe('"two"');
  expect(
    await client.send(new DescribeStateMachineAliasCommand({ stateMachineAliasArn: `${arn}:live` })),
  ).toMatchObject({ name: "live", routingConfiguration: to(2) });
  // It is no machine to be described, or updated.
  for (const command of [
    new DescribeStateMachineCommand({ stateMachineArn: `${arn}:live` }),
    new UpdateStateMachineCommand({ stateMachineArn: `${arn}:live`, definition: says("four") }),
  ])
    await expect(client.send(command as DescribeStateMachineCommand)).rejects.toMatchObject({
      name: "InvalidArn",
    });
});

test("an alias between two versions must add up", async () => {
  const arn = await publishTwo();
  const routes = (...weights: number[]) =>
    weights.map((weight, index) => ({ stateMachineVersionArn: `${arn}:${index + 1}`, weight }));
  const create = (...weights: number[]) =>
    stage.client.send(
      new CreateStateMachineAliasCommand({ name: "split", routingConfiguration: routes(...weights) }),
    );
  await expect(create(50, 49)).rejects.toMatchObject({ name: "ValidationException" });
  await create(0, 100);
  expect((await run(`${arn}:split`, "split")).output).toBe('"two"');
});
