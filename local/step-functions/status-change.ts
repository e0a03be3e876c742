/** "Step Functions Execution Status Change", the event AWS puts on the default bus when an execution's status changes. */
import { createHash } from "node:crypto";
import type { Status } from "./entry.ts";
import type { Memory } from "./memory.ts";

export interface StatusChange {
  version: "0";
  /** The same for the same change, however often it is told. */
  id: string;
  source: "aws.states";
  "detail-type": "Step Functions Execution Status Change";
  account: string;
  /** ISO 8601. */
  time: string;
  region: string;
  resources: string[];
  detail: {
    executionArn: string;
    stateMachineArn: string;
    name: string;
    status: Status;
    /** Milliseconds since 1970. */
    startDate: number;
    stopDate: number | null;
    input: string;
    output: string | null;
    error: string | null;
    cause: string | null;
    redriveCount: number;
  };
}

/** Input and output are JSON strings, as AWS carries them; they are never so large here that AWS would leave them out. */
export function statusChange(memory: Memory, status: Status, world: { region: string }): StatusChange {
  const ended = status !== "RUNNING";
  const key = `${memory.arn} ${memory.redrives} ${status}`;
  return {
    version: "0",
    id: uuidOf(key),
    source: "aws.states",
    "detail-type": "Step Functions Execution Status Change",
    account: memory.arn.split(":")[4] ?? "",
    time: new Date((ended ? memory.stoppedAt : memory.countedFrom) ?? memory.startedAt).toISOString(),
    region: world.region,
    resources: [memory.arn],
    detail: {
      executionArn: memory.arn,
      stateMachineArn: memory.machineArn,
      name: memory.name,
      status,
      startDate: memory.startedAt,
      stopDate: ended ? (memory.stoppedAt ?? null) : null,
      input: memory.input,
      output: ended && memory.output !== undefined ? JSON.stringify(memory.output) : null,
      error: (ended && memory.fault?.Error) || null,
      cause: (ended && memory.fault?.Cause) || null,
      redriveCount: memory.redrives,
    },
  };
}

function uuidOf(key: string): string {
  const hex = createHash("sha256").update(key).digest("hex");
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `5${hex.slice(13, 16)}`,
    `8${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join("-");
}
