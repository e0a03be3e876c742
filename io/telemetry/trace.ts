/** Traces: a segment for each piece of work, with the calls to AWS inside it, where X-Ray is asked for. */
import type { Tracer } from "@aws-lambda-powertools/tracer";
import { SERVICE } from "./stage.ts";

let tracer: Tracer | undefined;

/**
 * Loads the tracer where POWERTOOLS_TRACE_ENABLED says so; anywhere else nothing is read, and all that follows costs
 * nothing. Before the first client is made, for those made earlier are not followed.
 */
export async function openTraces(): Promise<void> {
  if (process.env.POWERTOOLS_TRACE_ENABLED !== "true" || tracer !== undefined) return;
  const { Tracer } = await import("@aws-lambda-powertools/tracer");
  // Hooks and issuers are other people's: their addresses may hold secrets.
  tracer = new Tracer({ serviceName: SERVICE, captureHTTPsRequests: false });
}

/** Does the work inside a segment of that name, by whose annotations it can be searched for; a failure is noted on it. */
export async function traced<T>(
  name: string,
  annotations: Record<string, string | number>,
  work: () => Promise<T>,
): Promise<T> {
  const own = tracer;
  if (own === undefined) return work();
  return own.provider.captureAsyncFunc(name, async (segment) => {
    for (const [key, value] of Object.entries(annotations)) segment?.addAnnotation(key, value);
    try {
      return await work();
    } catch (error) {
      if (error instanceof Error) segment?.addError(error);
      throw error;
    } finally {
      segment?.close();
    }
  }) as Promise<T>;
}

/** The same client, its calls followed where there are traces. */
export function followed<C>(client: C): C {
  return tracer === undefined ? client : tracer.captureAWSv3Client(client);
}
