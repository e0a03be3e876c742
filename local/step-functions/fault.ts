/** What can go wrong inside a running state: an error name and a cause, as States Language carries them. */

export interface Fault {
  Error?: string;
  Cause?: string;
  /** A time-out that came from a missed heartbeat: matched by `States.HeartbeatTimeout` as well as `States.Timeout`. */
  heartbeat?: true;
}

/** Thrown where a state fails; Retry and Catch decide what becomes of it. */
export class StateFailure extends Error {
  readonly fault: Fault;
  /** Where an expression failed to evaluate, e.g. `Output/total`; only then. */
  readonly location: string | undefined;

  constructor(fault: Fault, location?: string) {
    super(`${fault.Error}: ${fault.Cause}`);
    this.name = "StateFailure";
    this.fault = fault;
    this.location = location;
  }
}

/** The failure of an expression at a place in the definition. */
export function queryFailure(cause: string, location: string): StateFailure {
  return new StateFailure({ Error: "States.QueryEvaluationError", Cause: cause }, location);
}

/** AWS's limit on a state's input, output and assigned variables, in bytes of UTF-8 JSON. */
export const PAYLOAD_LIMIT = 256 * 1024;

/** Throws `States.DataLimitExceeded` when the value's JSON is larger than 256 KiB. */
export function withinLimit<T>(value: T, what: string): T {
  if (Buffer.byteLength(JSON.stringify(value) ?? "null") <= PAYLOAD_LIMIT) return value;
  const Cause = `${what} has a size exceeding the maximum number of bytes service limit.`;
  throw new StateFailure({ Error: "States.DataLimitExceeded", Cause });
}
