/** The IAM authorizer of an HTTP API: who signed a request, verified against the principals that this gateway knows. */
import type { IncomingMessage } from "node:http";
import { type SigningKeys, signerOf } from "../signer.ts";

/** Somebody with credentials of AWS. */
export interface Principal extends SigningKeys {
  userArn: string;
}

/** What a function finds in `requestContext.authorizer.iam`. */
export interface IamAuthorizer {
  accessKey: string;
  accountId: string;
  callerId: string;
  cognitoIdentity: null;
  principalOrgId: null;
  userArn: string;
  userId: string;
}

/** The routes that have the authorizer. */
export const IAM_ROUTE = "ANY /iam/{proxy+}";

export function isOnIamRoute(message: IncomingMessage): boolean {
  return /^\/iam\/[^?]/.test(message.url ?? "");
}

/** Undefined where the signature is none, wrong, too old or nobody's: API Gateway answers 403 and says no more. */
export async function authorize(
  message: IncomingMessage,
  body: Buffer,
  principals: readonly Principal[],
): Promise<IamAuthorizer | undefined> {
  const principal = await signerOf("execute-api", message, body, principals);
  return principal && authorizerOf(principal);
}

function authorizerOf({ accessKeyId, userArn }: Principal): IamAuthorizer {
  const [, , , , accountId = "", resource = ""] = userArn.split(":");
  const [kind, name = "", session] = resource.split("/");
  // A session's id is its role's, and the session's name behind it.
  const id = kind === "assumed-role" ? `AROA${name.toUpperCase()}:${session}` : `AIDA${name.toUpperCase()}`;
  return {
    accessKey: accessKeyId,
    accountId,
    callerId: id,
    cognitoIdentity: null,
    principalOrgId: null,
    userArn,
    userId: id,
  };
}
