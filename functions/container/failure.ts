/** A failure as Lambda tells it to a state machine, so that what it catches reads alike whoever did the step. */

/** Characters that Step Functions takes of an error and of a cause. */
const LONGEST_ERROR = 256;
const LONGEST_CAUSE = 32_768;

/** Lines of a stack that are worth their room. */
const LONGEST_TRACE = 20;

export interface Failure {
  error: string;
  cause: string;
}

/** The name of the error, which of ours is its code, and the JSON that a function's failure has for its cause. */
export function failureOf(thrown: unknown): Failure {
  const { errorType, errorMessage, trace } =
    thrown instanceof Error
      ? {
          errorType: thrown.name,
          errorMessage: thrown.message,
          trace: (thrown.stack?.split("\n") ?? []).slice(0, LONGEST_TRACE),
        }
      : { errorType: typeof thrown, errorMessage: String(thrown), trace: [] };
  const whole = JSON.stringify({ errorType, errorMessage, trace });
  return {
    error: errorType.slice(0, LONGEST_ERROR),
    cause:
      whole.length <= LONGEST_CAUSE
        ? whole
        : // Escaped, a character may take six.
          JSON.stringify({ errorType, errorMessage: errorMessage.slice(0, LONGEST_CAUSE / 8), trace: [] }),
  };
}

/** Stopped from outside: the machine may have the same done again at once. */
export function stopped(signal: string): Failure {
  const error = "Container.Stopped";
  return {
    error,
    cause: JSON.stringify({ errorType: error, errorMessage: `the container was told ${signal}`, trace: [] }),
  };
}
