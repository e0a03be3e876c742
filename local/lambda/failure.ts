/** The words in which AWS Lambda tells that an invocation failed, so that a workflow's Catch matches here what it matches there. */

/** The body of a failed invocation, as the Lambda runtime API defines it. */
export interface FunctionError {
  errorType: string;
  errorMessage: string;
  trace?: string[];
}

/** Bytes of a synchronous request: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html */
export const REQUEST_LIMIT = 6_291_456;
/** Bytes of a synchronous response: the service allows 100 more, and says so in its message. */
export const RESPONSE_LIMIT = 6_291_556;

/** What a handler threw: the error's name, message and stack, or the type of what is no error. */
export function thrown(value: unknown): FunctionError {
  if (value instanceof Error)
    return {
      errorType: value.name,
      errorMessage: value.message,
      trace: value.stack?.split("\n") ?? [],
    };
  return { errorType: typeof value, errorMessage: String(value), trace: [] };
}

/** A promise nobody awaited was rejected; the Node.js runtime ends the environment for it. */
export function unhandledRejection(reason: unknown): FunctionError {
  return {
    errorType: "Runtime.UnhandledPromiseRejection",
    errorMessage: String(reason),
    trace: thrown(reason).trace ?? [],
  };
}

export function notExported(module: string): FunctionError {
  return {
    errorType: "Runtime.HandlerNotFound",
    errorMessage: `${module}.handler is undefined or not exported`,
    trace: [],
  };
}

/** The handler's result is no JSON: circular, or a bigint. */
export function unserializable(): FunctionError {
  return { errorType: "Runtime.MarshalError", errorMessage: "Unable to stringify response body", trace: [] };
}

export function timedOut(requestId: string, seconds: number): FunctionError {
  return {
    errorType: "Sandbox.Timedout",
    errorMessage: `RequestId: ${requestId} Error: Task timed out after ${seconds.toFixed(2)} seconds`,
  };
}

export function outOfMemory(requestId: string): FunctionError {
  return {
    errorType: "Runtime.OutOfMemory",
    errorMessage: `RequestId: ${requestId} Error: Runtime exited with error: signal: killed`,
  };
}

/** The process ended itself before it answered. */
export function exited(requestId: string, status: number): FunctionError {
  const reason =
    status === 0
      ? "Runtime exited without providing a reason"
      : `Runtime exited with error: exit status ${status}`;
  return { errorType: "Runtime.ExitError", errorMessage: `RequestId: ${requestId} Error: ${reason}` };
}

export function responseTooLarge(): FunctionError {
  return {
    errorType: "Function.ResponseSizeTooLarge",
    errorMessage: `Response payload size exceeded maximum allowed payload size (${RESPONSE_LIMIT} bytes).`,
  };
}

/** Refusals of the service itself reach a workflow as `Lambda.<exception>`. */
export function requestTooLarge(bytes: number): FunctionError {
  return {
    errorType: "Lambda.RequestTooLargeException",
    errorMessage: `${bytes} byte payload is too large for the RequestResponse invocation type (limit ${REQUEST_LIMIT} bytes)`,
  };
}

export function tooManyRequests(): FunctionError {
  return { errorType: "Lambda.TooManyRequestsException", errorMessage: "Rate Exceeded." };
}

/** The runner is being stopped; a workflow that goes on elsewhere tries again. */
export function serviceStopped(): FunctionError {
  return { errorType: "Lambda.ServiceException", errorMessage: "the local Lambda runner was stopped" };
}

export function notFound(arn: string): FunctionError {
  return { errorType: "Lambda.ResourceNotFoundException", errorMessage: `Function not found: ${arn}` };
}
