/** What a machine asks ECS for, with an order that a test changes. */

/** RunTask's arguments for a step that waits for the ledger's address. */
export function taskOf(order: Record<string, string>): object {
  const whole = {
    REHEARSAL_STEP: "snapshot",
    REHEARSAL_INPUT: '{"promotion":"p1","error":null}',
    REHEARSAL_TASK_TOKEN: "none",
    REHEARSAL_HEARTBEAT_SECONDS: "60",
    REHEARSAL_STEP_SECONDS: "3600",
    ...order,
  };
  return {
    Cluster: "cluster",
    TaskDefinition: "container",
    LaunchType: "FARGATE",
    NetworkConfiguration: { AwsvpcConfiguration: { AssignPublicIp: "DISABLED", Subnets: ["subnet"] } },
    Overrides: {
      ContainerOverrides: [
        { Name: "step", Environment: Object.entries(whole).map(([Name, Value]) => ({ Name, Value })) },
      ],
    },
  };
}
