/** Step Functions' API over the engine: each operation's request, answer and refusals, after the API reference. */
import * as z from "zod";
import type { Json } from "../../core/canonical-json.ts";
import { AwsError, type AwsOperation, operation } from "../aws-json.ts";
import { parseDefinition } from "./definition.ts";
import { ACCOUNT, type Engine } from "./engine.ts";
import { PAYLOAD_LIMIT } from "./fault.ts";
import type { Memory } from "./memory.ts";
import { page, paging } from "./paging.ts";
import { published, publishing, qualified, runnable, unqualified, versionOperations } from "./versions.ts";

const arn = z.string().min(1).max(2000);
const token = z.string().min(1).max(2048);
const definition = z.string().min(1).max(1_048_576);
/** What AWS adds to requests and nothing here depends on. */
const ignored = z.unknown().optional();

export function operationsOf(
  engine: Engine,
  region: string,
  now: () => number,
): Record<string, AwsOperation> {
  const { machines } = engine;

  return {
    ...versionOperations(machines, now),
    CreateStateMachine: operation(
      z.object({
        name: z.string(),
        definition,
        roleArn: z.string(),
        type: z.enum(["STANDARD", "EXPRESS"]).optional(),
        ...publishing,
      }),
      (request) => {
        checkName(request.name);
        if (request.type === "EXPRESS")
          throw new AwsError("StateMachineTypeNotSupported", "only STANDARD machines are run here");
        checkDefinition(request.definition);
        const machineArn = `arn:aws:states:${region}:${ACCOUNT}:stateMachine:${request.name}`;
        const earlier = machines.get(machineArn);
        // "CreateStateMachine is an idempotent API": the same name, definition and type is the machine that is there.
        if (earlier !== undefined && earlier.definition !== request.definition)
          throw new AwsError("StateMachineAlreadyExists", `State Machine Already Exists: '${machineArn}'`);
        const machine =
          earlier ??
          machines.put({
            arn: machineArn,
            name: request.name,
            definition: request.definition,
            roleArn: request.roleArn,
            type: "STANDARD",
            createdAt: now(),
            updatedAt: now(),
          });
        return {
          stateMachineArn: machineArn,
          creationDate: machine.createdAt / 1000,
          ...published(machines, machine, request, now()),
        };
      },
    ),
    UpdateStateMachine: operation(
      z.object({
        stateMachineArn: arn,
        definition: definition.optional(),
        roleArn: z.string().optional(),
        ...publishing,
      }),
      (request) => {
        const machine = unqualified(machines, request.stateMachineArn);
        if (request.definition === undefined && request.roleArn === undefined)
          throw new AwsError(
            "MissingRequiredParameter",
            "Either the definition or the role ARN must be specified",
          );
        if (request.definition !== undefined) checkDefinition(request.definition);
        const updated = machines.put({
          ...machine,
          definition: request.definition ?? machine.definition,
          roleArn: request.roleArn ?? machine.roleArn,
          updatedAt: now(),
        });
        return {
          updateDate: updated.updatedAt / 1000,
          revisionId: updated.revisionId,
          ...published(machines, updated, request, now()),
        };
      },
    ),
    DescribeStateMachine: operation(z.object({ stateMachineArn: arn }), (request) => {
      const { machine, version, alias } = qualified(machines, request.stateMachineArn);
      // An alias has a description of its own, by DescribeStateMachineAlias.
      if (alias !== undefined) throw new AwsError("InvalidArn", `Invalid Arn: '${request.stateMachineArn}'`);
      const { definition, roleArn, revisionId, createdAt } = version ?? machine;
      return {
        stateMachineArn: request.stateMachineArn,
        name: machine.name,
        type: machine.type,
        status: "ACTIVE",
        ...{ definition, roleArn, revisionId },
        creationDate: createdAt / 1000,
        ...(version && { description: version.description }),
      };
    }),
    DescribeStateMachineForExecution: operation(z.object({ executionArn: arn }), (request) => {
      const memory = engine.execution(request.executionArn);
      return {
        stateMachineArn: memory.versionArn ?? memory.machineArn,
        name: memory.machineName,
        definition: memory.definitionText,
        roleArn: memory.roleArn,
        updateDate: memory.startedAt / 1000,
      };
    }),
    ListStateMachines: operation(z.object(paging), (request) => {
      const { items, nextToken } = page(machines.all(), request);
      return {
        stateMachines: items.map((machine) => ({
          stateMachineArn: machine.arn,
          name: machine.name,
          type: machine.type,
          creationDate: machine.createdAt / 1000,
        })),
        ...nextToken,
      };
    }),
    DeleteStateMachine: operation(z.object({ stateMachineArn: arn }), (request) => {
      machines.remove(request.stateMachineArn);
      return {};
    }),
    ValidateStateMachineDefinition: operation(
      z.object({ definition, type: ignored, severity: ignored, maxResults: ignored }),
      (request) => {
        const parsed = parseDefinition(request.definition);
        const problems = "problems" in parsed ? parsed.problems : [];
        return {
          result: problems.length === 0 ? "OK" : "FAIL",
          diagnostics: problems.map(({ location, message }) => ({
            severity: "ERROR",
            code: "SCHEMA_VALIDATION_FAILED",
            message,
            location: `/${location.replaceAll(".", "/")}`,
          })),
          truncated: false,
        };
      },
    ),
    StartExecution: operation(
      z.object({ stateMachineArn: arn, name: z.string().optional(), input: z.string().optional() }),
      (request) => {
        const machine = runnable(machines, request.stateMachineArn);
        if (request.name !== undefined) checkName(request.name);
        const input = request.input ?? "{}";
        readJson(input, "InvalidExecutionInput", "Invalid State Machine Execution Input");
        const memory = engine.start(machine, request.name, input);
        return { executionArn: memory.arn, startDate: memory.startedAt / 1000 };
      },
    ),
    DescribeExecution: operation(z.object({ executionArn: arn }), (request) => {
      const memory = engine.execution(request.executionArn);
      return {
        ...summary(memory),
        input: memory.input,
        inputDetails: { included: true },
        ...(memory.output === undefined
          ? {}
          : { output: JSON.stringify(memory.output), outputDetails: { included: true } }),
        ...(memory.fault?.Error === undefined ? {} : { error: memory.fault.Error }),
        ...(memory.fault?.Cause === undefined ? {} : { cause: memory.fault.Cause }),
        ...redriveStatus(memory),
      };
    }),
    ListExecutions: operation(
      z.object({ stateMachineArn: arn, statusFilter: z.string().optional(), ...paging }),
      (request) => {
        qualified(machines, request.stateMachineArn);
        const found = engine
          .executionsOf(request.stateMachineArn)
          .filter((memory) => request.statusFilter === undefined || memory.status === request.statusFilter);
        const { items, nextToken } = page(found, request);
        return { executions: items.map(summary), ...nextToken };
      },
    ),
    GetExecutionHistory: operation(
      z.object({
        executionArn: arn,
        reverseOrder: z.boolean().optional(),
        includeExecutionData: ignored,
        ...paging,
      }),
      (request) => {
        const { events } = engine.execution(request.executionArn);
        const { items, nextToken } = page(request.reverseOrder ? events.toReversed() : events, request);
        return {
          events: items.map(({ at, details, ...event }) => ({ ...event, timestamp: at / 1000, ...details })),
          ...nextToken,
        };
      },
    ),
    StopExecution: operation(
      z.object({
        executionArn: arn,
        error: z.string().max(256).optional(),
        cause: z.string().max(32_768).optional(),
      }),
      (request) => {
        const memory = engine.stopExecution(request.executionArn, request.error, request.cause);
        return { stopDate: (memory.stoppedAt ?? now()) / 1000 };
      },
    ),
    RedriveExecution: operation(z.object({ executionArn: arn, clientToken: ignored }), (request) => {
      const memory = engine.redrive(request.executionArn);
      return { redriveDate: (memory.redrivenAt ?? now()) / 1000 };
    }),
    SendTaskSuccess: operation(z.object({ taskToken: token, output: z.string() }), (request) => {
      const result = readJson(request.output, "InvalidOutput", "Invalid Output");
      engine.answer(request.taskToken, { result });
      return {};
    }),
    SendTaskFailure: operation(
      z.object({
        taskToken: token,
        error: z.string().max(256).optional(),
        cause: z.string().max(32_768).optional(),
      }),
      ({ taskToken, error, cause }) => {
        engine.answer(taskToken, {
          fault: {
            ...(error === undefined ? {} : { Error: error }),
            ...(cause === undefined ? {} : { Cause: cause }),
          },
        });
        return {};
      },
    ),
    SendTaskHeartbeat: operation(z.object({ taskToken: token }), (request) => {
      engine.heartbeat(request.taskToken);
      return {};
    }),
  };
}

function summary(memory: Memory) {
  return {
    executionArn: memory.arn,
    stateMachineArn: memory.machineArn,
    ...(memory.versionArn && { stateMachineVersionArn: memory.versionArn }),
    ...(memory.aliasArn && { stateMachineAliasArn: memory.aliasArn }),
    name: memory.name,
    status: memory.status,
    startDate: memory.startedAt / 1000,
    ...(memory.stoppedAt === undefined ? {} : { stopDate: memory.stoppedAt / 1000 }),
    redriveCount: memory.redrives,
    ...(memory.redrivenAt === undefined ? {} : { redriveDate: memory.redrivenAt / 1000 }),
  };
}

function redriveStatus(memory: Memory) {
  const { status } = memory;
  if (status !== "RUNNING" && status !== "SUCCEEDED") return { redriveStatus: "REDRIVABLE" };
  return {
    redriveStatus: "NOT_REDRIVABLE",
    redriveStatusReason: `Execution is ${status} and cannot be redriven`,
  };
}

/** The rule on names of machines and executions, from CreateStateMachine's documentation. */
function checkName(name: string) {
  const allowed = /^[^\s<>{}[\]?*"#%\\^|~`$&,;:/\p{Cc}]{1,80}$/u;
  if (!allowed.test(name)) throw new AwsError("InvalidName", `Invalid Name: '${name}'`);
}

function checkDefinition(text: string) {
  const parsed = parseDefinition(text);
  if ("definition" in parsed) return;
  const problems = parsed.problems.map(
    ({ location, message }) => `${message} at /${location.replaceAll(".", "/")}`,
  );
  throw new AwsError(
    "InvalidDefinition",
    `Invalid State Machine Definition: 'SCHEMA_VALIDATION_FAILED: ${problems.join(", ")}'`,
  );
}

function readJson(text: string, refusal: string, what: string): Json {
  if (Buffer.byteLength(text) > PAYLOAD_LIMIT)
    throw new AwsError("ValidationException", `${what}: 'longer than ${PAYLOAD_LIMIT} bytes'`);
  try {
    return JSON.parse(text) as Json;
  } catch (error) {
    throw new AwsError(refusal, `${what}: '${(error as Error).message}'`);
  }
}
