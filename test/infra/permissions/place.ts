/** The local stack's names, and those that the same things have in the deployment that permissions are written for. */
import {
  bucketArn,
  busArn,
  type Deployment,
  emailIdentityArn,
  type FunctionName,
  functionAliasArn,
  keyAlias,
  type MachineName,
  machineArn,
  secretsPrefix,
} from "../../../infra/deployment.ts";
import { statementsOf } from "../../../infra/permissions/permissions.ts";
import { parseSettings, type Surroundings } from "../../../infra/settings.ts";
import type { Right } from "./iam.ts";

export const DEPLOYMENT: Deployment = {
  app: "rehearsal",
  stage: "test",
  partition: "aws",
  region: "us-east-1",
  account: "000000000000",
};

/** As the local stack has them. */
export const BUCKET = "rehearsal-artifacts";
const SENDER = "rehearsal@localhost.localdomain";

/** A stage's settings where nothing is said; `more` stands in their place. */
export function surroundings(more: Partial<Surroundings> = {}): Surroundings {
  return {
    ...parseSettings("deploy/test.yaml", Buffer.from("")),
    controlCluster: "cluster-TEST",
    masterSecret: "arn:aws:secretsmanager:us-east-1:000000000000:secret:rds-master-abcdef",
    imageRepository: "arn:aws:ecr:us-east-1:000000000000:repository/sst-asset",
    emailFrom: SENDER,
    ...more,
  };
}

/** The statements of the function that asks, where the settings list the bucket, for tests use whichever they like. */
export function statementsFor(caller: FunctionName | "container", bucket: string) {
  const around = surroundings();
  const storageBuckets = bucket === BUCKET ? [] : [bucket];
  const configurationObjects = storageBuckets.map((name) => `${name}/*`);
  return statementsOf(caller, DEPLOYMENT, {
    ...around,
    reach: {
      ...around.reach,
      storageBuckets,
      configurationObjects,
      configurationSecrets: ["videos/*", "nobody/*"],
      configurationParameters: ["/videos/*", "/nobody/*"],
    },
  });
}

export function deployedBucket(name: string): string {
  return name === BUCKET ? bucketArn(DEPLOYMENT) : `arn:aws:s3:::${name}`;
}

/** `rehearsal/environments/shop` is `rehearsal/test/environments/shop` there; others keep their names. */
export function deployedSecret(id: string): string {
  const name = id.startsWith("arn:") ? id.split(":secret:")[1]?.replace(/-\w{6}$/, "") : id;
  const own = /^rehearsal\/(?:test\/)?(.*)$/s.exec(name ?? "")?.[1];
  const deployed = own === undefined ? name : `${secretsPrefix(DEPLOYMENT)}/${own}`;
  return `arn:aws:secretsmanager:us-east-1:000000000000:secret:${deployed}-AbCdEf`;
}

export function deployedParameter(name: string): string {
  return `arn:aws:ssm:us-east-1:000000000000:parameter/${name.replace(/^\//, "")}`;
}

/** The machine of an ARN, and by which alias or version it is called. */
export function deployedMachine(arn: string): { arn: string; qualifier: string } {
  const [name = "", qualifier = "live"] = arn.split(":").slice(6);
  return { arn: machineArn(DEPLOYMENT, localName(name) as MachineName), qualifier };
}

export function deployedExecution(arn: string): string {
  const [machine = "", execution = ""] = arn.split(":").slice(6);
  return `${machineArn(DEPLOYMENT, localName(machine) as MachineName).replace(":stateMachine:", ":execution:")}:${execution}`;
}

/** Deployed functions are called by what is live of them. */
export function deployedFunction(nameOrArn: string): string {
  const name = nameOrArn.startsWith("arn:")
    ? (nameOrArn.split(":")[6] ?? "")
    : (nameOrArn.split(":")[0] ?? "");
  return functionAliasArn(DEPLOYMENT, localName(name) as FunctionName);
}

export function deployedBus(): string {
  return busArn(DEPLOYMENT);
}

export function deployedIdentity(): { arn: string; from: string } {
  return { arn: emailIdentityArn(DEPLOYMENT, SENDER), from: SENDER };
}

/** What a service asks of the deployment's key in the caller's name. */
export function keyRight(action: string, service: "s3" | "secretsmanager", about: string): Right {
  const name = service === "s3" ? "aws:s3:arn" : "SecretARN";
  return {
    action,
    resource: "arn:aws:kms:us-east-1:000000000000:key/0b6f60c8",
    context: {
      "kms:ViaService": `${service}.us-east-1.amazonaws.com`,
      "kms:ResourceAliases": [keyAlias(DEPLOYMENT)],
      [`kms:EncryptionContext:${name}`]: about,
    },
  };
}

function localName(name: string): string {
  return name.replace(/^rehearsal-[a-z]+-/, "");
}
