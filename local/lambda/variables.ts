/** What a function finds in process.env: https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html */
import { randomUUID } from "node:crypto";
import { devNull } from "node:os";
import { basename, dirname, extname } from "node:path";
import { fileURLToPath } from "node:url";
import type { EnvironmentOptions } from "./execution-environment.ts";

/** The function's own variables over those Lambda reserves; nothing of the host's environment but PATH. */
export function variablesOf(
  { name, version, memoryMb, module, variables }: EnvironmentOptions,
  logStreamName: string,
): Record<string, string> {
  const region = variables.AWS_REGION ?? "us-east-1";
  const { taskRoot, handler } = placeOf(module);
  return {
    PATH: process.env.PATH ?? "",
    LANG: "en_US.UTF-8",
    // A sandbox has no home: the SDK must not read the profile of whoever runs the host.
    AWS_CONFIG_FILE: devNull,
    AWS_SHARED_CREDENTIALS_FILE: devNull,
    ...variables,
    AWS_REGION: region,
    AWS_DEFAULT_REGION: region,
    AWS_EXECUTION_ENV: "AWS_Lambda_nodejs24.x",
    AWS_LAMBDA_FUNCTION_NAME: name,
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(memoryMb),
    AWS_LAMBDA_FUNCTION_VERSION: version,
    AWS_LAMBDA_INITIALIZATION_TYPE: "on-demand",
    AWS_LAMBDA_LOG_GROUP_NAME: `/aws/lambda/${name}`,
    AWS_LAMBDA_LOG_STREAM_NAME: logStreamName,
    LAMBDA_TASK_ROOT: taskRoot,
    _HANDLER: handler,
  };
}

/** Where Lambda finds a function: the folder of its code, and in it `main.handler`. */
export function placeOf(module: URL): { taskRoot: string; handler: string } {
  const path = fileURLToPath(module);
  return { taskRoot: dirname(path), handler: `${basename(path, extname(path))}.handler` };
}

/** A name of a log stream, each sandbox having its own: `2026/03/12/[$LATEST]8e1f…`. */
export function newLogStream(version: string): string {
  const day = new Date().toISOString().slice(0, 10).replaceAll("-", "/");
  return `${day}/[${version}]${randomUUID().replaceAll("-", "")}`;
}
