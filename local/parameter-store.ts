/** Systems Manager's Parameter Store on this machine: AWS's API on loopback over one private file per parameter. */
import * as z from "zod";
import { AwsError, type AwsOperation, type Endpoint, operation, serveAwsJson } from "./aws-json.ts";
import { openPrivateFiles, type PrivateFiles } from "./private-files.ts";

interface Parameter {
  name: string;
  type: "String" | "StringList" | "SecureString";
  value: string;
  version: number;
  changedAt: number;
}

const name = z.string().regex(/^(?:[\w.-]+|(?:\/[\w.-]+)+)$/, "is not a parameter's name");
/** As many as AWS gives in one answer. */
const PAGE = 10;

/** Starts the endpoint; parameters of an earlier run are there again. */
export function startParameterStore(options: { folder: string; port?: number }): Promise<Endpoint> {
  const operations = operationsOn(openPrivateFiles<Parameter>(options.folder));
  return serveAwsJson({ target: "AmazonSSM", version: "1.1", operations }, options.port);
}

function operationsOn(files: PrivateFiles<Parameter>): Record<string, AwsOperation> {
  return {
    PutParameter: operation(
      z.object({
        Name: name,
        Value: z.string().min(1).max(4096),
        Type: z.enum(["String", "StringList", "SecureString"]).default("String"),
        Overwrite: z.boolean().default(false),
      }),
      (request) => {
        const earlier = files.all().find((one) => one.name === request.Name);
        if (earlier !== undefined && !request.Overwrite)
          throw new AwsError("ParameterAlreadyExists", "The parameter already exists.");
        const version = (earlier?.version ?? 0) + 1;
        const { Name, Value: value, Type: type } = request;
        files.put({ name: Name, type, value, version, changedAt: Date.now() });
        return { Version: version, Tier: "Standard" };
      },
    ),
    GetParameters: operation(
      z.object({ Names: z.array(z.string()).min(1).max(PAGE), WithDecryption: z.boolean().default(false) }),
      (request) => {
        const found = files.all().filter((one) => request.Names.includes(one.name));
        const known = new Set(found.map((one) => one.name));
        return {
          Parameters: found.map((one) => told(one, request.WithDecryption)),
          InvalidParameters: request.Names.filter((one) => !known.has(one)),
        };
      },
    ),
    GetParametersByPath: operation(
      z.object({
        Path: z.string().startsWith("/"),
        Recursive: z.boolean().default(false),
        WithDecryption: z.boolean().default(false),
        MaxResults: z.int().min(1).max(PAGE).default(PAGE),
        NextToken: z.string().optional(),
      }),
      ({
        Path: path,
        Recursive: recursive,
        WithDecryption: decrypted,
        MaxResults: most,
        NextToken: after,
      }) => {
        const below = path.endsWith("/") ? path : `${path}/`;
        const found = files
          .all()
          .filter((one) => one.name.startsWith(below))
          .filter((one) => recursive || !one.name.slice(below.length).includes("/"))
          .filter((one) => after === undefined || one.name > after)
          .sort((one, other) => (one.name < other.name ? -1 : 1));
        const last = found.length > most ? found[most - 1] : undefined;
        return {
          Parameters: found.slice(0, most).map((one) => told(one, decrypted)),
          ...(last === undefined ? {} : { NextToken: last.name }),
        };
      },
    ),
    DeleteParameter: operation(z.object({ Name: name }), (request) => {
      const found = files.all().find((one) => one.name === request.Name);
      if (found === undefined) throw new AwsError("ParameterNotFound", "The parameter does not exist.");
      files.remove(found);
      return {};
    }),
  };
}

/** Nobody who does not ask for the value of a SecureString is told it. */
function told({ name: called, type, value, version, changedAt }: Parameter, decrypted: boolean) {
  return {
    ARN: `arn:aws:ssm:us-east-1:000000000000:parameter${called.startsWith("/") ? "" : "/"}${called}`,
    Name: called,
    Type: type,
    Value: type === "SecureString" && !decrypted ? Buffer.from(value).toString("base64") : value,
    Version: version,
    LastModifiedDate: changedAt / 1000,
    DataType: "text",
  };
}
