/** Asks one function again and again, so many at once, and tells how many answers came and how long they took. */
import type { LambdaRunner } from "../../local/lambda/runner.ts";

export interface Measured {
  answers: number;
  perSecond: number;
  /** Milliseconds. */
  median: number;
  p99: number;
}

/** As API Gateway hands a request on. */
export function requestEvent(path: string, key: string): object {
  const [rawPath = "/", rawQueryString = ""] = path.split("?");
  return {
    version: "2.0",
    routeKey: "$default",
    rawPath,
    rawQueryString,
    headers: { host: "bench", authorization: `Bearer ${key}` },
    requestContext: {
      domainName: "bench",
      http: { method: "GET", path: rawPath, protocol: "HTTP/1.1", sourceIp: "127.0.0.1", userAgent: "bench" },
    },
    isBase64Encoded: false,
  };
}

/** Throws when an answer is none of 200. */
export async function load(
  invoke: LambdaRunner["invoke"],
  name: string,
  next: () => object,
  { seconds, atOnce }: { seconds: number; atOnce: number },
): Promise<Measured> {
  const took: number[] = [];
  const began = performance.now();
  const one = async () => {
    while (performance.now() - began < seconds * 1_000) {
      const from = performance.now();
      const result = await invoke(name, next());
      const status =
        "payload" in result ? (result.payload as { statusCode: number }).statusCode : result.error;
      if (status !== 200) throw new Error(`${name} answered ${JSON.stringify(result).slice(0, 500)}`);
      took.push(performance.now() - from);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, one));
  return summary(took, (performance.now() - began) / 1_000);
}

function summary(took: number[], seconds: number): Measured {
  const sorted = took.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  return {
    answers: took.length,
    perSecond: took.length / seconds,
    median: at(0.5),
    p99: at(0.99),
  };
}
