/** AWS credentials by which something is signed: this process's own, or those of a role in another account that it takes. */
import { awsFailure } from "./aws-failure.ts";

type Provider = ReturnType<typeof import("@aws-sdk/credential-provider-node").defaultProvider>;

/** Seconds that a role is taken for: the most that STS allows to who has taken one already, as every function has. */
const SECONDS = 3_600;
/** Milliseconds before their end at which credentials are fetched anew. */
const MARGIN = 300_000;

/**
 * The provider for `role`, or the process's own without one: each is found once per process and renews what runs out. A role
 * has to trust whoever asks, and may ask for the external id, which is the deployment's prefix of secrets: so that nobody
 * else's deployment is led to it. Using it throws `AwsCallFailed` where the role cannot be taken.
 */
export async function credentialsOf(role?: string): Promise<Provider> {
  if (role === undefined) return ownCredentials();
  const known = roles.get(role) ?? takeRole(role);
  roles.set(role, known);
  return known;
}

const roles = new Map<string, Provider>();

async function ownCredentials(): Promise<Provider> {
  const { defaultProvider } = await import("@aws-sdk/credential-provider-node");
  own ??= defaultProvider();
  return own;
}
let own: Provider | undefined;

function takeRole(role: string): Provider {
  let taken: Taken | undefined;
  return async () => {
    if (taken === undefined || taken.expiration.getTime() - Date.now() < MARGIN)
      taken = await assumeRole(role);
    return taken;
  };
}

interface Taken {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken: string;
  expiration: Date;
}

async function assumeRole(role: string): Promise<Taken> {
  const { AssumeRoleCommand, STSClient } = await import("@aws-sdk/client-sts");
  const client = new STSClient({});
  try {
    const { Credentials } = await client.send(
      new AssumeRoleCommand({
        RoleArn: role,
        // The other account's CloudTrail tells by it which function it was.
        RoleSessionName: process.env.AWS_LAMBDA_FUNCTION_NAME ?? "rehearsal",
        ExternalId: process.env.REHEARSAL_SECRETS ?? "rehearsal",
        DurationSeconds: SECONDS,
      }),
    );
    const { AccessKeyId, SecretAccessKey, SessionToken, Expiration } = Credentials ?? {};
    if (!AccessKeyId || !SecretAccessKey || !SessionToken || !Expiration)
      throw new Error("STS gave no credentials");
    return {
      ...{ accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey, sessionToken: SessionToken },
      expiration: Expiration,
    };
  } catch (error) {
    throw awsFailure("STS", `AssumeRole of ${role}`, error);
  } finally {
    client.destroy();
  }
}
