/** A token in place of a password, as RDS takes it: a request to connect, signed with this process's AWS credentials, or a role's that it takes. */
import type { DatabaseAddress } from "../../core/database-url.ts";
import { credentialsOf } from "../assumed-role.ts";
import { awsFailure } from "../aws-failure.ts";

/** RDS looks at it when a connection is made, and not again. */
const SECONDS = 900;

/** Makes a fresh token for one connection; throws `AwsCallFailed` when there are no credentials, or the role cannot be taken. */
export async function iamToken(
  { host, port, user }: DatabaseAddress,
  { region, assume }: NonNullable<DatabaseAddress["iam"]>,
): Promise<string> {
  const [{ SignatureV4 }, { Sha256 }, { escapeUri }, credentials] = await Promise.all([
    import("@smithy/signature-v4"),
    import("@smithy/core/checksum"),
    import("@smithy/core/protocols"),
    credentialsOf(assume),
  ]);
  try {
    const signer = new SignatureV4({ service: "rds-db", region, credentials, sha256: Sha256 });
    const signed = await signer.presign(
      {
        ...{ method: "GET", protocol: "https:", hostname: host, port, path: "/" },
        headers: { host: `${host}:${port}` },
        query: { Action: "connect", DBUser: user },
      },
      { expiresIn: SECONDS },
    );
    const query = Object.entries(signed.query ?? {}).map(
      ([name, value]) => `${escapeUri(name)}=${escapeUri(String(value))}`,
    );
    return `${host}:${port}/?${query.join("&")}`;
  } catch (error) {
    throw awsFailure("IAM", "signing of a database token", error);
  }
}
