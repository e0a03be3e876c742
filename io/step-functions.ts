/** Step Functions as the product uses it: start once by name, stop, answer a task token, look. */
import type { SFNClient } from "@aws-sdk/client-sfn";
import { canonicalJson, type Json } from "../core/canonical-json.ts";
import { RehearsalError } from "../core/errors.ts";
import { awsFailure, isAwsError } from "./aws-failure.ts";
import { followed } from "./telemetry/trace.ts";

export interface ExecutionState {
  arn: string;
  name: string;
  status: "RUNNING" | "SUCCEEDED" | "FAILED" | "TIMED_OUT" | "ABORTED" | "PENDING_REDRIVE";
  startedAt: Date;
  stoppedAt?: Date;
  input: Json;
  output?: Json;
  error?: string;
  cause?: string;
}

interface StepFunctions {
  /**
   * Starts an execution and gives its ARN; a second call with the same name and input gives the same ARN, whether the
   * execution still runs or has ended, so a reply that was lost does no harm. Another input is `ExecutionNameTaken`.
   */
  startExecution(name: string, machineArn: string, input: Json): Promise<string>;
  /** Stops it with an error and a cause; stopping one that has ended does nothing. */
  stopExecution(arn: string, error: string, cause: string): Promise<void>;
  /** Answers a waiting task; `TaskTokenUsed` when nobody waits for it any more. */
  sendTaskSuccess(token: string, output: Json): Promise<void>;
  sendTaskFailure(token: string, error: string, cause: string): Promise<void>;
  sendTaskHeartbeat(token: string): Promise<void>;
  /** Whether there is such a machine. */
  hasMachine(arn: string): Promise<boolean>;
  /** Undefined when there is no such execution. */
  describeExecution(arn: string): Promise<ExecutionState | undefined>;
}

/** The refusals that mean: this token's task is closed, gone, or never was. */
const CLOSED_TASK = ["TaskTimedOut", "TaskDoesNotExist", "InvalidToken"];

/** Region, credentials and endpoint come from the environment unless given; the SDK is loaded on the first call. */
export function openStepFunctions(options: { endpoint?: string } = {}): StepFunctions {
  let loaded: Promise<{ sdk: typeof import("@aws-sdk/client-sfn"); client: SFNClient }> | undefined;
  const load = () => {
    loaded ??= import("@aws-sdk/client-sfn").then((sdk) => ({
      sdk,
      client: followed(new sdk.SFNClient(options)),
    }));
    return loaded;
  };
  const failed = (operation: string) => (error: unknown) => {
    throw awsFailure("Step Functions", operation, error);
  };
  const answerFailed = (operation: string) => (error: unknown) => {
    if (isAwsError(error, ...CLOSED_TASK))
      throw new RehearsalError("TaskTokenUsed", { reason: error.message }, { cause: error });
    throw awsFailure("Step Functions", operation, error);
  };

  const self: StepFunctions = {
    startExecution: async (name, machineArn, input) => {
      const { sdk, client } = await load();
      const text = canonicalJson(input);
      try {
        const started = await client.send(
          new sdk.StartExecutionCommand({ name, stateMachineArn: machineArn, input: text }),
        );
        return started.executionArn ?? executionArn(machineArn, name);
      } catch (error) {
        if (!isAwsError(error, "ExecutionAlreadyExists"))
          throw awsFailure("Step Functions", "StartExecution", error);
        const arn = executionArn(machineArn, name);
        const earlier = await self.describeExecution(arn);
        if (earlier !== undefined && canonicalJson(earlier.input) === text) return arn;
        throw new RehearsalError("ExecutionNameTaken", { name }, { cause: error });
      }
    },
    stopExecution: async (arn, error, cause) => {
      const { sdk, client } = await load();
      await client
        .send(new sdk.StopExecutionCommand({ executionArn: arn, error, cause }))
        .catch(failed("StopExecution"));
    },
    sendTaskSuccess: async (token, output) => {
      const { sdk, client } = await load();
      await client
        .send(new sdk.SendTaskSuccessCommand({ taskToken: token, output: canonicalJson(output) }))
        .catch(answerFailed("SendTaskSuccess"));
    },
    sendTaskFailure: async (token, error, cause) => {
      const { sdk, client } = await load();
      await client
        .send(new sdk.SendTaskFailureCommand({ taskToken: token, error, cause }))
        .catch(answerFailed("SendTaskFailure"));
    },
    sendTaskHeartbeat: async (token) => {
      const { sdk, client } = await load();
      await client
        .send(new sdk.SendTaskHeartbeatCommand({ taskToken: token }))
        .catch(answerFailed("SendTaskHeartbeat"));
    },
    hasMachine: async (arn) => {
      const { sdk, client } = await load();
      try {
        await client.send(new sdk.DescribeStateMachineCommand({ stateMachineArn: unqualified(arn) }));
        return true;
      } catch (error) {
        if (isAwsError(error, "StateMachineDoesNotExist")) return false;
        throw awsFailure("Step Functions", "DescribeStateMachine", error);
      }
    },
    describeExecution: async (arn) => {
      const { sdk, client } = await load();
      try {
        const found = await client.send(new sdk.DescribeExecutionCommand({ executionArn: arn }));
        return {
          arn,
          name: found.name ?? "",
          status: found.status ?? "RUNNING",
          startedAt: found.startDate ?? new Date(0),
          ...(found.stopDate === undefined ? {} : { stoppedAt: found.stopDate }),
          input: JSON.parse(found.input ?? "null") as Json,
          ...(found.output === undefined ? {} : { output: JSON.parse(found.output) as Json }),
          ...(found.error === undefined ? {} : { error: found.error }),
          ...(found.cause === undefined ? {} : { cause: found.cause }),
        };
      } catch (error) {
        if (isAwsError(error, "ExecutionDoesNotExist")) return undefined;
        throw awsFailure("Step Functions", "DescribeExecution", error);
      }
    },
  };
  return self;
}

/** An execution's ARN follows from its machine's and its name; on which alias or version of it the execution was started does not show. */
export function executionArn(machineArn: string, name: string): string {
  return `${unqualified(machineArn).replace(":stateMachine:", ":execution:")}:${name}`;
}

/** The machine's own ARN, without an alias or a version behind it. */
function unqualified(machineArn: string): string {
  return machineArn.split(":").slice(0, 7).join(":");
}
