/** Who signed a request to AWS, as one name for each role and user. */

/** Under this the principals of AWS are mapped to people, where an issuer's address stands otherwise. */
export const IAM_ISSUER = "aws-iam";

/**
 * The role's ARN for a session of it, for sessions are named by whoever begins them; everything else as it is. A session's
 * ARN leaves the role's path out, so it is left out of a role's ARN as well: names of roles are unique without it.
 *
 * @example
 * principalOf("arn:aws:sts::111122223333:assumed-role/deploy/i-1"); // "arn:aws:iam::111122223333:role/deploy"
 */
export function principalOf(arn: string): string {
  const session = /^arn:(aws[a-z-]*):sts::(\d{12}):assumed-role\/([^/]+)\/[^/]+$/.exec(arn);
  if (session !== null) return `arn:${session[1]}:iam::${session[2]}:role/${session[3]}`;
  const role = /^arn:(aws[a-z-]*):iam::(\d{12}):role\/(?:.*\/)?([^/]+)$/.exec(arn);
  return role === null ? arn : `arn:${role[1]}:iam::${role[2]}:role/${role[3]}`;
}
