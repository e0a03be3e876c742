/** The clock: what comes by itself, and how often. clock.ts says what that costs. */
import { CLOCK_FUNCTIONS } from "../workflows/calls.ts";
import { ratesOf } from "./clock.ts";
import type { ControlDatabase } from "./control-database.ts";
import { deadLetterQueueArn, type FunctionName, prefix, scheduleName } from "./deployment.ts";
import type { DeployedFunction } from "./functions.ts";
import type { Place } from "./place.ts";
import { createRole, idOf } from "./roles.ts";

/** A schedule per function, in a group of their own, called with one role that may call these and no others. */
export function createSchedules(
  place: Place,
  functions: Record<FunctionName, DeployedFunction>,
  control: ControlDatabase,
): void {
  const { deployment: d, settings } = place;
  const { role, policy } = createRole(place, "schedules", control);
  const group = new aws.scheduler.ScheduleGroup("Schedules", { name: prefix(d) });
  const rates = ratesOf(settings);
  for (const name of CLOCK_FUNCTIONS)
    new aws.scheduler.Schedule(
      `${idOf(name)}Schedule`,
      {
        ...{ name: scheduleName(d, name), groupName: group.name, scheduleExpression: rates[name] },
        flexibleTimeWindow: { mode: "OFF" },
        target: {
          ...{ arn: functions[name].alias.arn, roleArn: role.arn, input: "{}" },
          retryPolicy: { maximumRetryAttempts: 2, maximumEventAgeInSeconds: 3_600 },
          deadLetterConfig: { arn: deadLetterQueueArn(d) },
        },
      },
      { dependsOn: [policy] },
    );
}
