/** A request as the API's function gets it from API Gateway, without the sockets in between. */
import { handler } from "../../functions/api/main.ts";

export interface Call {
  method: string;
  /** As API Gateway hands it on: decoded. */
  path: string;
  /** Without the question mark. */
  query?: string;
  headers?: Record<string, string>;
  body?: string;
}

export interface Answered {
  status: number;
  headers: Record<string, string>;
  body: string;
}

/** What a function has left, so that whoever waits for news does so for no time. */
const NOTHING_LEFT = { getRemainingTimeInMillis: () => 0 };

type Handled = Parameters<typeof handler>;

export async function callLambda({ method, path, query = "", headers = {}, body }: Call): Promise<Answered> {
  const event = {
    version: "2.0",
    routeKey: "$default",
    rawPath: path,
    rawQueryString: query,
    headers: { host: "api.example", ...headers },
    requestContext: {
      accountId: "000000000000",
      apiId: "rehearsal",
      domainName: "api.example",
      domainPrefix: "api",
      http: { method, path, protocol: "HTTP/1.1", sourceIp: "192.0.2.1", userAgent: "test" },
      requestId: "test",
      routeKey: "$default",
      stage: "$default",
      time: "",
      timeEpoch: 0,
    },
    isBase64Encoded: false,
    ...(body !== undefined && { body }),
  };
  const result = (await handler(event as unknown as Handled[0], NOTHING_LEFT as unknown as Handled[1])) as {
    statusCode: number;
    headers?: Record<string, string>;
    body: string;
    isBase64Encoded: boolean;
  };
  return {
    status: result.statusCode,
    headers: { ...result.headers },
    body: Buffer.from(result.body, result.isBase64Encoded ? "base64" : "utf8").toString(),
  };
}
