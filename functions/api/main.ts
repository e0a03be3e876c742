/** The API's function: API Gateway's events in, the application's answers out. */
import { handle } from "hono/aws-lambda";
import { invoked } from "../../io/telemetry/invocation.ts";
import { front } from "./front.ts";

export const handler = invoked(handle(front));
