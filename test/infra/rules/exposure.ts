/** What the internet reaches: the API, and nothing else. Asked of every resource, whatever it is. */
import type { Inputs, Program } from "../program.ts";
import { at, places, type Rule, statements, texts } from "./look.ts";

const ANYWHERE = new Set(["0.0.0.0/0", "::/0"]);

/** No security group lets in what comes from anywhere, in rules of its own or in rules beside it. */
export const groupsAreClosed: Rule = (program) =>
  [...places(program)].flatMap(({ resource, path, value }) => {
    const inwards = /:SecurityGroupIngressRule$/.test(resource.type) || /(?:^|\.)ingress\./.test(path);
    const rule = /:SecurityGroupRule$/.test(resource.type) && resource.inputs.type === "ingress";
    return (inwards || rule) && ANYWHERE.has(String(value)) ? [`${resource.name}: ${path} is ${value}`] : [];
  });

/** Addresses, databases and functions that would answer the internet by themselves. */
export const nothingAnswers: Rule = (program) =>
  [...places(program)].flatMap(({ resource, path, value }) => {
    const key = path.split(".").at(-1) ?? "";
    const open = OPEN_KEYS.has(key) && value !== false && value !== "DISABLED";
    const kind = OPEN_KINDS.exec(resource.type);
    return [
      ...(open ? [`${resource.name}: ${path} is ${value}`] : []),
      ...(path === "" && kind ? [`${resource.name} is a ${kind[0]}`] : []),
    ];
  });

const OPEN_KEYS = new Set([
  "publiclyAccessible",
  "mapPublicIpOnLaunch",
  "associatePublicIpAddress",
  "assignPublicIp",
  "AssignPublicIp",
]);
const OPEN_KINDS =
  /:(?:FunctionUrl|LoadBalancer|Distribution|RestApi|GraphQLApi|BucketWebsiteConfiguration|BucketAcl)$/;

/** No policy lets everybody do something; a refusal may be for everybody. */
export const policiesNameWho: Rule = (program) => [
  ...statements(program)
    .filter(({ Effect, Principal }) => Effect === "Allow" && isEverybody(Principal))
    .map(({ resource, Sid }) => `${resource.name}: ${Sid} is for everybody`),
  ...program
    .all("lambda.Permission")
    .filter(({ inputs }) => inputs.principal === "*" || inputs.sourceArn === undefined)
    .map(({ name }) => `${name} lets in whoever calls`),
];

function isEverybody(principal: unknown): boolean {
  if (principal === "*") return true;
  return Object.values((principal ?? {}) as Inputs).some((who) => texts(who).includes("*"));
}

/** In a subnet with a way in stands the way out, and nothing else. */
export const publicSubnetsHoldTheWayOut: Rule = (program) => {
  const doors = new Set(program.all("ec2.InternetGateway").map(({ name }) => `${name}-id`));
  const tables = program
    .all("ec2.Route")
    .filter(({ inputs }) => doors.has(String(inputs.gatewayId)))
    .map(({ inputs }) => inputs.routeTableId);
  const subnets = program
    .all("ec2.RouteTableAssociation")
    .filter(({ inputs }) => tables.includes(inputs.routeTableId ?? null))
    .map(({ inputs }) => String(inputs.subnetId));
  return [...places(program)]
    .filter(({ value }) => subnets.includes(String(value)))
    .filter(({ resource }) => !/:RouteTableAssociation$|:NatGateway$/.test(resource.type))
    .filter(
      ({ resource }) => !(/:Instance$/.test(resource.type) && resource.inputs.sourceDestCheck === false),
    )
    .map(({ resource, path }) => `${resource.name}: ${path} is in a public subnet`);
};

/** One API of one function: its two routes, and the second for signed requests alone. */
export const onlyTheApiIsRouted: Rule = (program) => {
  const routes = program
    .all("apigatewayv2.Route")
    .map(({ inputs }) => [inputs.routeKey, inputs.authorizationType ?? "NONE"].join(" "));
  const wanted = ["$default NONE", "ANY /iam/{proxy+} AWS_IAM"];
  const cors = program.all("apigatewayv2.Api").filter(({ inputs }) => inputs.corsConfiguration !== undefined);
  return [
    ...(routes.sort().join() === wanted.join() ? [] : [`the routes are ${routes.join(", ")}`]),
    ...(program.all("apigatewayv2.Api").length === 1 ? [] : ["there is more than one API"]),
    ...cors.map(({ name }) => `${name} lets in other origins`),
  ];
};

/** A bucket keeps versions, locks, is encrypted by our key, belongs to its owner, is closed, and speaks TLS alone. */
export const bucketsAreSafe: Rule = (program) =>
  program.all("s3.Bucket").flatMap((bucket) => {
    const own = (type: string) =>
      program.all(type).find(({ inputs }) => inputs.bucket === bucket.inputs.bucket);
    const facts: Record<string, boolean> = {
      "has Object Lock": bucket.inputs.objectLockEnabled === true,
      "keeps versions": is(own("s3.BucketVersioning"), "versioningConfiguration.status", "Enabled"),
      "is encrypted by a key of ours":
        is(own(ENCRYPTION), `${BY_DEFAULT}.sseAlgorithm`, "aws:kms") &&
        String(has(own(ENCRYPTION), `${BY_DEFAULT}.kmsMasterKeyId`)).startsWith("arn:aws:kms:"),
      "asks the key seldom": is(own(ENCRYPTION), "rules.0.bucketKeyEnabled", true),
      "knows no rights of objects": is(
        own("s3.BucketOwnershipControls"),
        "rule.objectOwnership",
        "BucketOwnerEnforced",
      ),
      "is closed": [
        "blockPublicAcls",
        "blockPublicPolicy",
        "ignorePublicAcls",
        "restrictPublicBuckets",
      ].every((each) => is(own("s3.BucketPublicAccessBlock"), each, true)),
      "gives up uploads": JSON.stringify(own("s3.BucketLifecycleConfiguration")?.inputs ?? {}).includes(
        '"abortIncompleteMultipartUpload":{"daysAfterInitiation":1}',
      ),
      "tells the bus": is(own("s3.BucketNotification"), "eventbridge", true),
      "refuses what is not TLS": statements(program).some(
        ({ resource, Effect, Principal, Action, Condition }) =>
          resource === own("s3.BucketPolicy") &&
          [Effect, Principal, Action.join()].join() === "Deny,*,s3:*" &&
          JSON.stringify(Condition) === '{"Bool":{"aws:SecureTransport":"false"}}',
      ),
    };
    return Object.entries(facts).flatMap(([fact, holds]) =>
      holds ? [] : [`${bucket.name}: not so: ${fact}`],
    );
  });

const ENCRYPTION = "s3.BucketServerSideEncryptionConfiguration";
const BY_DEFAULT = "rules.0.applyServerSideEncryptionByDefault";

function has(resource: Program["resources"][number] | undefined, path: string) {
  return resource && at(resource, path);
}

function is(
  resource: Program["resources"][number] | undefined,
  path: string,
  value: string | boolean,
): boolean {
  return has(resource, path) === value;
}

/** Databases are encrypted by our key, keep their password to RDS, and let nobody in but the functions. */
export const databasesAreSafe: Rule = (program) => [
  ...program
    .all("rds.Cluster")
    .flatMap(({ name, inputs }) => [
      ...(inputs.storageEncrypted === true && String(inputs.kmsKeyId).startsWith("arn:aws:kms:")
        ? []
        : [`${name} is not encrypted by our key`]),
      ...(inputs.manageMasterUserPassword === true && inputs.masterPassword === undefined
        ? []
        : [`${name}'s password is known to the program`]),
      ...(inputs.iamDatabaseAuthenticationEnabled === true ? [] : [`${name} knows no IAM`]),
    ]),
  ...program
    .all("rds.ClusterInstance")
    .filter(({ inputs }) => inputs.publiclyAccessible !== false)
    .map(({ name }) => `${name} may be public`),
];

/** No password, key or token is given to a resource: what is secret is made where it is kept. */
export const nothingSecretIsWritten: Rule = (program) =>
  [...places(program)].flatMap(({ resource, path, value }) => {
    if (typeof value !== "string" || value === "") return [];
    const key = path.split(".").at(-1) ?? "";
    const named = /^(?:\w*password|\w*private_?key\w*|\w*access_?key\w*|\w*token)$/i.test(key);
    const within = /\w+:\/\/[^\s/:@"]+:[^\s/@"]+@|AKIA[0-9A-Z]{16}|-----BEGIN|\brk_[A-Za-z0-9]+_/.test(value);
    return named || within ? [`${resource.name}: ${path}`] : [];
  });
