/** What a function finds in process.env: https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html */

import { devNull } from "node:os";

/** The function's own variables over those Lambda reserves; nothing of the host's environment but PATH. */
export function variablesOf(
  name: string,
  memoryMb: number,
  logStreamName: string,
  environment: Record<string, string>,
): Record<string, string> {
  const region = environment.AWS_REGION ?? "us-east-1";
  return {
    PATH: process.env.PATH ?? "",
    LANG: "en_US.UTF-8",
    // A sandbox has no home: the SDK must not read the profile of whoever runs the host.
    AWS_CONFIG_FILE: devNull,
    AWS_SHARED_CREDENTIALS_FILE: devNull,
    ...environment,
    AWS_REGION: region,
    AWS_DEFAULT_REGION: region,
    AWS_EXECUTION_ENV: "AWS_Lambda_nodejs24.x",
    AWS_LAMBDA_FUNCTION_NAME: name,
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(memoryMb),
    AWS_LAMBDA_FUNCTION_VERSION: "$LATEST",
    AWS_LAMBDA_INITIALIZATION_TYPE: "on-demand",
    AWS_LAMBDA_LOG_GROUP_NAME: logGroupName(name),
    AWS_LAMBDA_LOG_STREAM_NAME: logStreamName,
  };
}

function logGroupName(name: string): string {
  return `/aws/lambda/${name}`;
}
