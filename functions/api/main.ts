/** The API's function: API Gateway's events in, the application's answers out. */
import { handle } from "hono/aws-lambda";
import { front } from "./front.ts";

export const handler = handle(front);
