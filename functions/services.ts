/** Starting the services again: when their hook fails production is right all the same, so it is told and nothing is taken back. */
import { type ErrorRecord, RehearsalError, toErrorRecord } from "../core/errors.ts";
import { callHook } from "../io/hooks.ts";
import type { NewEvent } from "../io/ledger/events.ts";
import type { StepContext } from "./step.ts";

/** Calls the start hook; returns why it failed, or undefined. */
export async function startServices({ promotion }: StepContext): Promise<ErrorRecord | undefined> {
  try {
    await callHook("start", promotion.policy.hooks.start, {
      promotion: promotion.id,
      environment: promotion.environment,
      release: promotion.release,
    });
    return undefined;
  } catch (error) {
    if (error instanceof RehearsalError) return toErrorRecord(error);
    throw error;
  }
}

/** The event that calls for somebody to start them by hand. */
export function notStarted(failure: ErrorRecord | undefined): NewEvent[] {
  if (failure === undefined) return [];
  return [
    {
      type: "promotion.services-not-started",
      announce: true,
      data: { code: failure.code, message: failure.message, hint: failure.hint },
    },
  ];
}
