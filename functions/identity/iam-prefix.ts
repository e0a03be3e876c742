/** The paths of requests that API Gateway has verified a signature of: their routes alone have the IAM authorizer. */

/** The routes with the IAM authorizer stand under this; the others have none. */
const PREFIX = "/iam";

/** The path as the application's routes have it. */
export function withoutIamPrefix(path: string): string {
  return isUnderPrefix(path) ? path.slice(PREFIX.length) || "/" : path;
}

export function isUnderPrefix(path: string): boolean {
  return path === PREFIX || path.startsWith(`${PREFIX}/`);
}
