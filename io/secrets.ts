/** Secrets Manager: where a registered environment's credentials are, fetched when they are needed and never kept. */
import type { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { RehearsalError } from "../core/errors.ts";
import { awsFailure, isAwsError } from "./aws-failure.ts";
import { followed } from "./telemetry/trace.ts";

export interface Secrets {
  /** The secret's current value; `SecretMissing` when there is none of that name. */
  readSecret(id: string): Promise<string>;
  /** True when there is one of that name; its value is not read. */
  hasSecret(id: string): Promise<boolean>;
  /** Creates the secret or gives it a new value, without reading the one it has: whoever writes need not be able to read. */
  writeSecret(id: string, value: string): Promise<void>;
  /** Removes the secret for good; one that is not there is fine. */
  removeSecret(id: string): Promise<void>;
}

interface Loaded {
  sdk: typeof import("@aws-sdk/client-secrets-manager");
  client: SecretsManagerClient;
}

/**
 * Region, credentials and endpoint come from the environment unless given; the SDK is loaded on the first call. One that is
 * named by its ARN is asked for where that says it is.
 */
export function openSecrets(options: { endpoint?: string } = {}): Secrets {
  const clients = new Map<string, Promise<Loaded>>();
  const load = (id: string) => {
    const region = /^arn:[^:]+:secretsmanager:([a-z0-9-]+):/.exec(id)?.[1];
    const loading =
      clients.get(region ?? "") ??
      import("@aws-sdk/client-secrets-manager").then((sdk) => ({
        sdk,
        client: followed(new sdk.SecretsManagerClient({ ...options, ...(region && { region }) })),
      }));
    clients.set(region ?? "", loading);
    return loading;
  };
  return {
    readSecret: async (id) => {
      const { sdk, client } = await load(id);
      try {
        const found = await client.send(new sdk.GetSecretValueCommand({ SecretId: id }));
        return found.SecretString ?? Buffer.from(found.SecretBinary ?? []).toString("utf8");
      } catch (error) {
        if (isAwsError(error, "ResourceNotFoundException")) throw new RehearsalError("SecretMissing", { id });
        throw awsFailure("Secrets Manager", "GetSecretValue", error);
      }
    },
    hasSecret: async (id) => {
      const { sdk, client } = await load(id);
      try {
        await client.send(new sdk.DescribeSecretCommand({ SecretId: id }));
        return true;
      } catch (error) {
        if (isAwsError(error, "ResourceNotFoundException")) return false;
        throw awsFailure("Secrets Manager", "DescribeSecret", error);
      }
    },
    writeSecret: async (id, value) => {
      const { sdk, client } = await load(id);
      // The SDK's own request token makes its retries one version; a token made from the value would give its hash away.
      const create = new sdk.CreateSecretCommand({ Name: id, SecretString: value });
      const exists = await client.send(create).then(
        () => false,
        (error: unknown) => {
          if (isAwsError(error, "ResourceExistsException")) return true;
          throw awsFailure("Secrets Manager", "CreateSecret", error);
        },
      );
      if (!exists) return;
      const put = new sdk.PutSecretValueCommand({ SecretId: id, SecretString: value });
      await client.send(put).catch((error: unknown) => {
        throw awsFailure("Secrets Manager", "PutSecretValue", error);
      });
    },
    removeSecret: async (id) => {
      const { sdk, client } = await load(id);
      const command = new sdk.DeleteSecretCommand({ SecretId: id, ForceDeleteWithoutRecovery: true });
      await client.send(command).catch((error: unknown) => {
        if (!isAwsError(error, "ResourceNotFoundException"))
          throw awsFailure("Secrets Manager", "DeleteSecret", error);
      });
    },
  };
}
