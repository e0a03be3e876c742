/** Tasks that run a container under a task token, as Step Functions tells of them and ends them. */
import { SendTaskHeartbeatCommand, SendTaskSuccessCommand } from "@aws-sdk/client-sfn";
import { afterEach, expect, test } from "vitest";
import type { RunTask } from "../../../local/step-functions/index.ts";
import { machine, openStage, outline } from "./stage.ts";
import { stillClock } from "./still-clock.ts";

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});

const RUN = {
  Type: "Task",
  Resource: "arn:aws:states:::ecs:runTask.waitForTaskToken",
  Arguments: { TaskDefinition: "container", Overrides: { Token: "{% $states.context.Task.Token %}" } },
  TimeoutSeconds: 3_600,
  HeartbeatSeconds: 300,
  End: true,
};

/** Runs one on a clock that stands still; `asked` is a token for each time that ECS was asked. */
async function running(answer: Awaited<ReturnType<RunTask>>, state: object = RUN) {
  const clock = stillClock();
  const asked: string[] = [];
  const first = Promise.withResolvers<void>();
  const stage = await openStage({
    clock,
    runTask: async (given) => {
      asked.push((given as { Overrides: { Token: string } }).Overrides.Token);
      first.resolve();
      return answer;
    },
  });
  open.push(stage);
  const arn = await stage.start(await stage.create("runs", machine("Run", { Run: state })));
  await first.promise;
  return { ...stage, clock, asked, arn };
}

const STARTED = { result: { Tasks: [{ TaskArn: "t" }], Failures: [] } };

test("is told as ECS's: scheduled, started, submitted when it was started, succeeded when it has answered", async () => {
  const { asked, client, ended, history, arn } = await running(STARTED);
  await client.send(new SendTaskSuccessCommand({ taskToken: asked[0] ?? "", output: '{"rows":1}' }));
  expect((await ended(arn)).output).toBe('{"rows":1}');
  const events = await history(arn);
  expect(outline(events)).toEqual([
    "1<0 ExecutionStarted",
    "2<0 TaskStateEntered",
    "3<2 TaskScheduled",
    "4<3 TaskStarted",
    "5<4 TaskSubmitted",
    "6<5 TaskSucceeded",
    "7<6 TaskStateExited",
    "8<7 ExecutionSucceeded",
  ]);
  const own = { resourceType: "ecs", resource: "runTask.waitForTaskToken" };
  expect(events[2]?.taskScheduledEventDetails).toMatchObject({
    ...own,
    ...{ timeoutInSeconds: 3_600, heartbeatInSeconds: 300 },
  });
  expect(events[4]?.taskSubmittedEventDetails).toMatchObject({
    ...own,
    output: JSON.stringify(STARTED.result),
  });
});

test("that ECS does not start fails with ECS's error, and needs no answer", async () => {
  const { ended, arn, asked } = await running({
    fault: { Error: "AmazonECS.Unknown", Cause: "no capacity" },
  });
  expect(await ended(arn)).toMatchObject({
    ...{ status: "FAILED", error: "AmazonECS.Unknown", cause: "no capacity" },
  });
  expect(asked).toHaveLength(1);
});

test("lives as long as it speaks, and is run again under another token when it has been silent", async () => {
  const again = { ErrorEquals: ["States.HeartbeatTimeout"], IntervalSeconds: 1, MaxAttempts: 1 };
  const { asked, client, clock, ended, arn } = await running(STARTED, { ...RUN, Retry: [again] });
  const [taskToken = ""] = asked;
  await clock.asleep(300);
  clock.move(200);
  await client.send(new SendTaskHeartbeatCommand({ taskToken }));
  await clock.pass(100);
  await clock.pass(200);
  await clock.pass(1);
  await clock.asleep(300);
  expect(asked).toHaveLength(2);
  await expect(client.send(new SendTaskHeartbeatCommand({ taskToken }))).rejects.toMatchObject({
    name: "TaskTimedOut",
  });
  await client.send(new SendTaskSuccessCommand({ taskToken: asked[1] ?? "", output: '"done"' }));
  expect((await ended(arn)).output).toBe('"done"');
});
