/** Parameter Store: values that an application is configured by, read with what they are encrypted under. */
import type { Parameter as Found, SSMClient } from "@aws-sdk/client-ssm";
import { awsFailure } from "./aws-failure.ts";
import { followed } from "./telemetry/trace.ts";

interface Parameter {
  name: string;
  value: string;
}

/** Each parameter that `/PATH/*` stands for, at any depth, or the one of that name; none where there is none. Endpoint and credentials are the environment's. */
export async function* readParameters(name: string): AsyncGenerator<Parameter> {
  const sdk = await import("@aws-sdk/client-ssm");
  const client: SSMClient = followed(new sdk.SSMClient({}));
  try {
    if (!name.endsWith("/*")) {
      const { Parameters } = await client.send(
        new sdk.GetParametersCommand({ Names: [name], WithDecryption: true }),
      );
      yield* (Parameters ?? []).map(parameter);
      return;
    }
    const pages = sdk.paginateGetParametersByPath(
      { client },
      { Path: name.slice(0, -"/*".length), Recursive: true, WithDecryption: true },
    );
    for await (const { Parameters } of pages) yield* (Parameters ?? []).map(parameter);
  } catch (error) {
    throw awsFailure("Systems Manager", name.endsWith("/*") ? "GetParametersByPath" : "GetParameters", error);
  } finally {
    client.destroy();
  }
}

function parameter({ Name = "", Value = "" }: Found): Parameter {
  return { name: Name, value: Value };
}
