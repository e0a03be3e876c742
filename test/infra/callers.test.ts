/** Who calls the functions, and how: the gateway, the clock and the bus call what is live, and nothing that cannot be taken is lost. */
import { beforeAll, expect, test } from "vitest";
import { ratesOf } from "../../infra/clock.ts";
import { type Deployment, deadLetterQueueArn, functionAliasArn, machineArn } from "../../infra/deployment.ts";
import { parseSettings } from "../../infra/settings.ts";
import type { ClockFunction } from "../../workflows/calls.ts";
import { ACCOUNT, evaluate, type Inputs, type Program } from "./program.ts";
import { at, statements } from "./rules/look.ts";

const d: Deployment = {
  ...{ app: "rehearsal", stage: "example", partition: "aws", region: "eu-west-1", account: ACCOUNT },
};

let program: Program;
beforeAll(async () => {
  program = await evaluate(d.stage);
}, 600_000);

const schedules = () =>
  Object.fromEntries(program.all("scheduler.Schedule").map(({ inputs }) => [String(inputs.name), inputs]));

test("the clock calls what is live of seven functions, as often as the settings say", () => {
  const called = Object.entries(schedules()).map(([name, { scheduleExpression, target }]) => ({
    ...{ name, scheduleExpression, arn: (target as Inputs).arn },
  }));
  const every = (name: ClockFunction, rate: string) => ({
    ...{ name: `rehearsal-example-${name}`, scheduleExpression: rate, arn: functionAliasArn(d, name) },
  });
  expect(called.sort((one, other) => (one.name < other.name ? -1 : 1))).toEqual([
    every("audit", "rate(1 day)"),
    every("drain", "rate(1 minute)"),
    every("drift", "rate(1 day)"),
    every("expire", "rate(1 day)"),
    every("notify", "rate(1 minute)"),
    every("reconcile", "rate(5 minutes)"),
    every("sweep", "rate(1 day)"),
  ]);
});

test("beside a database that pauses, the clock mends once an hour, unless a stage says otherwise", () => {
  const of = (text: string) => ratesOf(parseSettings("deploy/x.yaml", Buffer.from(text)));
  expect(of("")).toMatchObject({ reconcile: "rate(1 hour)", notify: "rate(1 hour)", sweep: "rate(1 day)" });
  expect(of("clock: { notify: rate(10 minutes) }")).toMatchObject({
    ...{ reconcile: "rate(1 hour)", notify: "rate(10 minutes)" },
  });
});

test("what the clock or the bus cannot have taken ends in the dead-letter queue", () => {
  const targets = [
    ...program.all("cloudwatch.EventTarget").map(({ inputs }) => inputs),
    ...Object.values(schedules()).map(({ target }) => target as Inputs),
  ];
  expect(targets).toHaveLength(10);
  for (const { deadLetterConfig, retryPolicy } of targets) {
    expect(deadLetterConfig).toEqual({ arn: deadLetterQueueArn(d) });
    expect(retryPolicy).toMatchObject({ maximumEventAgeInSeconds: 3_600 });
  }
  const queue = program.one("sqs.Queue");
  expect(queue.inputs.messageRetentionSeconds).toBe(14 * 86_400);
  expect(String(queue.inputs.kmsMasterKeyId)).toMatch(/^arn:aws:kms:/);
  const senders = statements(program).filter(({ resource }) => resource.name === "DeadLettersPolicy");
  expect(senders.filter(({ Effect }) => Effect === "Allow").map(({ Principal }) => Principal)).toEqual([
    { Service: "events.amazonaws.com" },
  ]);
});

test("an execution that ended badly has the reconciler called, a notice the notifier, and whoever archived is heard", () => {
  const rules = program.all("cloudwatch.EventRule");
  const ended = rules.find(({ name }) => name === "ExecutionEndedRule");
  const told = rules.find(({ name }) => name === "PeopleToTellRule");
  const archived = rules.find(({ name }) => name === "RecordArchivedRule");
  expect(rules).toHaveLength(3);
  expect(JSON.parse(String(ended?.inputs.eventPattern))).toMatchObject({
    source: ["aws.states"],
    detail: {
      status: ["FAILED", "TIMED_OUT", "ABORTED"],
      stateMachineArn: expect.arrayContaining([
        machineArn(d, "promotion"),
        machineArn(d, "rollback-fargate"),
      ]),
    },
  });
  expect(ended?.inputs.eventBusName).toBeUndefined();
  expect(told?.inputs.eventBusName).toBe("rehearsal-example");
  expect(archived?.inputs.eventBusName).toBe("rehearsal-example");
  expect(JSON.parse(String(archived?.inputs.eventPattern))).toEqual({ "detail-type": ["record.archived"] });
  const targets = program.all("cloudwatch.EventTarget").map(({ inputs }) => inputs.arn);
  const heard = ["archived", "notify", "reconcile"] as const;
  expect(targets.sort()).toEqual(heard.map((name) => functionAliasArn(d, name)));
});

test("who may call a function is told by what calls it, and by its alias", () => {
  const permissions = program.all("lambda.Permission").map(({ inputs }) => inputs);
  const sources = permissions.map(({ sourceArn }) => String(sourceArn).replace(/^arn:aws:/, ""));
  expect(sources.sort()).toEqual([
    "events:eu-west-1:123456789012:rule/rehearsal-example-execution-ended",
    "events:eu-west-1:123456789012:rule/rehearsal-example/rehearsal-example-people-to-tell",
    "events:eu-west-1:123456789012:rule/rehearsal-example/rehearsal-example-record-archived",
    "execute-api:eu-west-1:123456789012:api1/*/$default",
    "execute-api:eu-west-1:123456789012:api1/*/*/iam/{proxy+}",
  ]);
  for (const { qualifier } of permissions) expect(qualifier).toBe("live");
});

test("the gateway is throttled, and logs who asked for what without a header or a query", () => {
  const stage = program.one("apigatewayv2.Stage");
  expect(stage.inputs.defaultRouteSettings).toEqual({ throttlingBurstLimit: 200, throttlingRateLimit: 100 });
  const format = String(at(stage, "accessLogSettings.format"));
  expect(format).toContain("$context.requestId");
  expect(format).not.toMatch(/header|query|authorizer/i);
});

test("who has a domain has one way in, over a TLS that is not old", () => {
  expect(program.one("apigatewayv2.Api").inputs.disableExecuteApiEndpoint).toBe(true);
  expect(at(program.one("apigatewayv2.DomainName"), "domainNameConfiguration.securityPolicy")).toBe(
    "TLS_1_2",
  );
});

test("sandboxes are kept for a function only where a stage says so", async () => {
  const kept = (of: Program) =>
    of
      .all("lambda.Function")
      .filter(({ inputs }) => inputs.reservedConcurrentExecutions !== undefined)
      .map(({ name, inputs }) => `${name} ${inputs.reservedConcurrentExecutions}`);
  expect(kept(program)).toContain("ApiFunction 50");
  expect(kept(program)).toContain("ReconcileFunction 2");
  expect(kept(await evaluate("trial"))).toEqual([]);
});

test("the key is given to whom the roles name, and only through services", () => {
  const policy = statements(program).filter(({ resource }) => resource.name === "Key");
  expect(policy.flatMap(({ Action }) => Action).filter((action) => action.includes("*"))).toEqual([]);
  const use = policy.find(({ Sid }) => Sid === "UseThroughServices");
  expect(JSON.stringify(use?.Condition)).toContain("s3.eu-west-1.amazonaws.com");
  expect(program.one("kms.Key").inputs.enableKeyRotation).toBe(true);
});
