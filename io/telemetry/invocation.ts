/**
 * What every function's handler stands in: its lines carry its request, whatever is done inside knows how much time is left,
 * its failure is told, and it ends when all of that is written.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { carrying } from "./about.ts";
import { written } from "./written.ts";

/** What Lambda tells a handler of its invocation, as far as anybody asks. */
export interface Invocation {
  awsRequestId?: string;
  getRemainingTimeInMillis(): number;
}

let invocations = 0;

const current = new AsyncLocalStorage<Invocation | undefined>();

/** Milliseconds until Lambda ends the function that this is done in; endless where nobody does. */
export function timeLeft(): number {
  return current.getStore()?.getRemainingTimeInMillis() ?? Number.POSITIVE_INFINITY;
}

/** Puts a Lambda handler into it; one that is called by the clock may ask for no event. */
export function invoked<R>(handler: () => Promise<R>): (event?: unknown, context?: Invocation) => Promise<R>;
export function invoked<E, C extends Invocation, R>(
  handler: (event: E, context?: C) => Promise<R>,
): (event: E, context?: C) => Promise<R>;
export function invoked<E, C extends Invocation, R>(
  handler: (event: E, context?: C) => Promise<R>,
): (event: E, context?: C) => Promise<R> {
  return (event, context) => {
    const coldStart = invocations++ === 0;
    const requestId = context?.awsRequestId;
    return carrying({ coldStart, ...(requestId !== undefined && { requestId }) }, async () => {
      try {
        return await current.run(context, () => handler(event, context));
      } catch (error) {
        // Read only now: an invocation that succeeds waits for no catalogue of errors.
        (await import("./failure.ts")).tellFailure(error);
        throw error;
      } finally {
        // The sandbox is frozen with the answer, and what is under way then may never go on.
        await written();
      }
    });
  };
}
