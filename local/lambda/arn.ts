/** Names of functions: a workflow calls them by ARN, a person by name. */

/** The ARN of a local function; the account is the one every local emulator uses. */
export function functionArn(name: string, region = "us-east-1"): string {
  return `arn:aws:lambda:${region}:000000000000:function:${name}`;
}

/** The name in a name, a partial ARN or an ARN, without its qualifier: the forms Invoke accepts. */
export function functionName(nameOrArn: string): string {
  const [name = ""] = partsOf(nameOrArn);
  return name;
}

/** The version that a name or an ARN asks for, or `$LATEST`. */
export function functionVersion(nameOrArn: string): string {
  const [, version = "$LATEST"] = partsOf(nameOrArn);
  return version;
}

function partsOf(nameOrArn: string): string[] {
  return nameOrArn.replace(/^.*\bfunction:/, "").split(":");
}
