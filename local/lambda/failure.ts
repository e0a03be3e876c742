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

/** A function that could not be loaded: what the runtime tells of it before it ends. */
export class InitFailure extends Error {
  readonly error: FunctionError;

  constructor(error: FunctionError) {
    super(error.errorMessage);
    this.name = error.errorType;
    this.error = error;
  }
}

/** What kept a function from being loaded, in the runtime's words or the module's own. */
export function initFailed(error: unknown): FunctionError {
  return error instanceof InitFailure ? error.error : thrown(error);
}

export function handlerNotFound(name: string, what: string): FunctionError {
  return { errorType: "Runtime.HandlerNotFound", errorMessage: `${name} is ${what}`, trace: [] };
}

export function malformedHandler(): FunctionError {
  return { errorType: "Runtime.MalformedHandlerName", errorMessage: "Bad handler", trace: [] };
}

export function importFailed(error: unknown): FunctionError {
  return { errorType: "Runtime.ImportModuleError", errorMessage: String(error), trace: [] };
}

export function syntaxFailed(error: SyntaxError): FunctionError {
  return {
    errorType: "Runtime.UserCodeSyntaxError",
    errorMessage: String(error),
    trace: thrown(error).trace ?? [],
  };
}

/** The handler's result is no JSON: circular, or a bigint. */
export function unserializable(): FunctionError {
  return {
    errorType: "Runtime.JSONStringifyError",
    errorMessage: "Unable to stringify response body",
    trace: [],
  };
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

/** It ended before it answered: of itself, by what nobody caught, or by a signal. */
export function exited(requestId: string, status: number, signal?: string | null): FunctionError {
  const reason = signal
    ? `Runtime exited with error: signal: ${SIGNALS[signal] ?? signal}`
    : status === 0
      ? "Runtime exited without providing a reason"
      : `Runtime exited with error: exit status ${status}`;
  return { errorType: "Runtime.ExitError", errorMessage: `RequestId: ${requestId} Error: ${reason}` };
}

/** Go's words, for Lambda's side is written in it. */
const SIGNALS: Record<string, string> = {
  SIGABRT: "aborted",
  SIGKILL: "killed",
  SIGSEGV: "segmentation fault",
  SIGTERM: "terminated",
};

/** A failure that a runtime told without a type, as Step Functions words it. */
export function untold(body: string): FunctionError {
  return {
    errorType: "Lambda.Unknown",
    errorMessage: `The cause could not be determined because Lambda did not return an error type. Returned payload: ${body}`,
  };
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
