/** Lambda: a function that asks another one and waits for its answer. */
import type { LambdaClient } from "@aws-sdk/client-lambda";
import { RehearsalError } from "../core/errors.ts";
import { awsFailure, isAwsError } from "./aws-failure.ts";
import { timeLeft } from "./telemetry/invocation.ts";
import { followed } from "./telemetry/trace.ts";

interface Functions {
  /**
   * What the function answers, of that name or ARN. Throws `FunctionSlow`, `FunctionDied`, `AnswerTooLarge` and
   * `TooManyRequests`, all of which leave open whether it did something; what its handler threw comes as a plain error, for
   * its own log has it whole.
   */
  ask(name: string, request: object): Promise<unknown>;
}

/** Milliseconds: the answer still has to be passed on within the 30 seconds that API Gateway gives. */
const PATIENCE = 27_000;

/** Milliseconds that stay for that, when something else has taken of the time: a control database that had to wake. */
const FOR_THE_ANSWER = 2_000;

/** Region, credentials and endpoint come from the environment unless given; the SDK is loaded on the first call. */
export function openFunctions(options: { endpoint?: string; patience?: number } = {}): Functions {
  const { patience: most = PATIENCE, ...settings } = options;
  let loaded: Promise<{ sdk: typeof import("@aws-sdk/client-lambda"); client: LambdaClient }> | undefined;
  const load = () => {
    loaded ??= import("@aws-sdk/client-lambda").then((sdk) => ({
      sdk,
      client: followed(new sdk.LambdaClient(settings)),
    }));
    return loaded;
  };
  return {
    ask: async (name, request) => {
      const { sdk, client } = await load();
      const left = timeLeft();
      // A deadline that has passed tells of a clock that is ahead, and nothing of the time.
      const patience = left > 0 ? Math.max(0, Math.min(most, left - FOR_THE_ANSWER)) : most;
      const deadline = AbortSignal.timeout(patience);
      const command = new sdk.InvokeCommand({
        FunctionName: name,
        InvocationType: "RequestResponse",
        Payload: Buffer.from(JSON.stringify(request)),
      });
      const answered = await client.send(command, { abortSignal: deadline }).catch((error: unknown) => {
        if (deadline.aborted) throw slow(name, Math.round(patience / 100) / 10);
        throw refusalOf(error, name);
      });
      const text = Buffer.from(answered.Payload ?? []).toString("utf8");
      if (answered.FunctionError !== undefined) throw failureOf(name, text);
      return JSON.parse(text || "null");
    },
  };
}

/** The service refused the call. */
function refusalOf(error: unknown, name: string): RehearsalError {
  if (isAwsError(error, "TooManyRequestsException"))
    return new RehearsalError(
      "TooManyRequests",
      { what: `calls of the function "${shortName(name)}"`, seconds: 2 },
      { cause: error },
    );
  if (isAwsError(error, "RequestTooLargeException"))
    return new RehearsalError("AnswerTooLarge", { what: `what "${shortName(name)}" was asked` });
  return awsFailure("Lambda", "Invoke", error);
}

/** The function began, and gave no answer. */
function failureOf(name: string, text: string): Error {
  const { errorType = "", errorMessage = "" } = parsed(text);
  const [, seconds] = /Task timed out after ([\d.]+) seconds/.exec(errorMessage) ?? [];
  if (seconds !== undefined) return slow(name, Number(seconds));
  if (errorType === "Function.ResponseSizeTooLarge")
    return new RehearsalError("AnswerTooLarge", { what: `the answer of "${shortName(name)}"` });
  if (/^(Runtime|Sandbox|Extension)\./.test(errorType))
    return new RehearsalError("FunctionDied", { name: shortName(name), reason: errorMessage });
  return new Error(`the function "${shortName(name)}" threw ${errorType}: ${errorMessage}`);
}

function parsed(text: string): { errorType?: string; errorMessage?: string } {
  try {
    return JSON.parse(text);
  } catch {
    // What is no JSON is told as it came: some failures of the runtime itself are.
    return { errorMessage: text.slice(0, 500) };
  }
}

function slow(name: string, seconds: number): RehearsalError {
  return new RehearsalError("FunctionSlow", { name: shortName(name), seconds });
}

/** People know it by its name, not by the ARN. */
function shortName(name: string): string {
  return name.split(":function:").at(-1)?.split(":")[0] ?? name;
}
