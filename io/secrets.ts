/** Secrets Manager: where a registered environment's credentials are, fetched when they are needed and never kept. */
import type { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { RehearsalError } from "../core/errors.ts";
import { awsFailure, isAwsError } from "./aws-failure.ts";

export interface Secrets {
  /** The secret's current value; `SecretMissing` when there is none of that name. */
  readSecret(id: string): Promise<string>;
  /** Creates the secret or gives it a new value; the same value again changes nothing. */
  writeSecret(id: string, value: string): Promise<void>;
  /** Removes the secret for good; one that is not there is fine. */
  removeSecret(id: string): Promise<void>;
}

/** Region, credentials and endpoint come from the environment unless given; the SDK is loaded on the first call. */
export function openSecrets(options: { endpoint?: string } = {}): Secrets {
  let loaded:
    | Promise<{ sdk: typeof import("@aws-sdk/client-secrets-manager"); client: SecretsManagerClient }>
    | undefined;
  const load = () => {
    loaded ??= import("@aws-sdk/client-secrets-manager").then((sdk) => ({
      sdk,
      client: new sdk.SecretsManagerClient(options),
    }));
    return loaded;
  };
  const read = async (id: string): Promise<string | undefined> => {
    const { sdk, client } = await load();
    try {
      const found = await client.send(new sdk.GetSecretValueCommand({ SecretId: id }));
      return found.SecretString ?? Buffer.from(found.SecretBinary ?? []).toString("utf8");
    } catch (error) {
      if (isAwsError(error, "ResourceNotFoundException")) return undefined;
      throw awsFailure("Secrets Manager", "GetSecretValue", error);
    }
  };
  return {
    readSecret: async (id) => {
      const value = await read(id);
      if (value === undefined) throw new RehearsalError("SecretMissing", { id });
      return value;
    },
    writeSecret: async (id, value) => {
      const { sdk, client } = await load();
      const earlier = await read(id);
      // The SDK's own request token makes its retries one version; a token made from the value would give its hash away.
      if (earlier === undefined)
        await client.send(new sdk.CreateSecretCommand({ Name: id, SecretString: value })).catch((error) => {
          throw awsFailure("Secrets Manager", "CreateSecret", error);
        });
      else if (earlier !== value)
        await client
          .send(new sdk.PutSecretValueCommand({ SecretId: id, SecretString: value }))
          .catch((error) => {
            throw awsFailure("Secrets Manager", "PutSecretValue", error);
          });
    },
    removeSecret: async (id) => {
      const { sdk, client } = await load();
      const command = new sdk.DeleteSecretCommand({ SecretId: id, ForceDeleteWithoutRecovery: true });
      await client.send(command).catch((error: unknown) => {
        if (!isAwsError(error, "ResourceNotFoundException"))
          throw awsFailure("Secrets Manager", "DeleteSecret", error);
      });
    },
  };
}
