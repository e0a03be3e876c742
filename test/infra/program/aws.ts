/** What AWS would answer, as far as the program looks at it: the facts that only a made resource has. */

type Values = Record<string, unknown>;

export interface Answers {
  /** The id and the facts of a resource that was made. */
  made(type: string, name: string, inputs: Values): { id: string; state: Values };
  /** What a look at the account finds. */
  asked(token: string, inputs: Values): Values;
}

export function answersOf(region: string, account: string): Answers {
  const arn = (service: string, rest: string) => `arn:aws:${service}:${region}:${account}:${rest}`;
  return {
    made: (type, name, inputs) => {
      const called = String(inputs.name ?? inputs.bucket ?? name);
      const known = FACTS[type.split(":").at(-1) ?? ""]?.(inputs, { called, arn, region, account }) ?? {};
      const state = { ...inputs, name: called, arn: arn(type.split(/[:/]/)[1] ?? "", called), ...known };
      return { id: String(known.id ?? `${name}-id`), state };
    },
    asked: (token, inputs) => {
      const answer = LOOKS[token.split(":").at(-1) ?? ""];
      if (answer === undefined)
        throw new Error(`the program asks AWS for ${token}, which test/infra/program/aws.ts does not know`);
      return { ...inputs, id: "looked-at", ...answer({ region, account }) };
    },
  };
}

interface Told {
  called: string;
  arn: (service: string, rest: string) => string;
  region: string;
  account: string;
}

const FACTS: Record<string, (inputs: Values, told: Told) => Values> = {
  Function: (_, { called, arn }) => {
    const own = arn("lambda", `function:${called}`);
    return { id: called, arn: own, version: "7", qualifiedArn: `${own}:7`, invokeArn: `invoke/${own}` };
  },
  Alias: (inputs, { called, arn }) => {
    const own = inputs.functionName && arn("lambda", `function:${inputs.functionName}:${called}`);
    return own ? { arn: own, invokeArn: `invoke/${own}` } : {};
  },
  Role: (_, { called, account }) => ({ id: called, arn: `arn:aws:iam::${account}:role/${called}` }),
  Policy: (_, { called, account }) => ({ arn: `arn:aws:iam::${account}:policy/${called}` }),
  StateMachine: (_, { called, arn }) => {
    const own = arn("states", `stateMachine:${called}`);
    return { id: own, arn: own, stateMachineVersionArn: `${own}:3` };
  },
  Bucket: (_, { called }) => ({ id: called, arn: `arn:aws:s3:::${called}`, bucket: called }),
  Key: (_, { arn }) => ({ keyId: "0a1b2c3d", arn: arn("kms", "key/0a1b2c3d") }),
  Queue: (_, { called, arn }) => ({ arn: arn("sqs", called), url: `https://sqs.invalid/${called}` }),
  Topic: (_, { called, arn }) => ({ id: arn("sns", called), arn: arn("sns", called) }),
  Secret: (_, { called, arn }) => ({ arn: arn("secretsmanager", `secret:${called}-AbCdEf`) }),
  Api: (_, { region, arn }) => ({
    id: "api1",
    apiEndpoint: `https://api1.execute-api.${region}.amazonaws.com`,
    executionArn: arn("execute-api", "api1"),
  }),
  EventRule: (inputs, { called, arn }) => ({
    arn: arn("events", `rule/${inputs.eventBusName === undefined ? "" : `${inputs.eventBusName}/`}${called}`),
  }),
  EventBus: (_, { called, arn }) => ({ arn: arn("events", `event-bus/${called}`) }),
  Cluster: (inputs, { called, arn, region }) =>
    "engine" in inputs
      ? {
          endpoint: `${inputs.clusterIdentifier}.cluster-x.${region}.rds.amazonaws.com`,
          clusterResourceId: "cluster-ABCDEFGHIJKLMNOP",
          masterUserSecrets: [{ secretArn: arn("secretsmanager", "secret:rds!cluster-0a1b2c-AbCdEf") }],
        }
      : { arn: arn("ecs", `cluster/${called}`) },
  TaskDefinition: (inputs, { arn }) => ({
    arn: arn("ecs", `task-definition/${inputs.family}:5`),
    revision: 5,
  }),
  Instance: () => ({ primaryNetworkInterfaceId: "eni-0a1b2c3d" }),
  DomainName: (inputs, { region }) => ({
    domainNameConfiguration: {
      ...(inputs.domainNameConfiguration as Values),
      targetDomainName: `d-0a1b2c3d4e.execute-api.${region}.amazonaws.com`,
    },
  }),
};

const LOOKS: Record<string, (told: { region: string; account: string }) => Values> = {
  getCallerIdentity: ({ account }) => ({
    accountId: account,
    arn: `arn:aws:iam::${account}:user/deployer`,
    userId: "AIDA",
  }),
  getPartition: () => ({ partition: "aws", dnsSuffix: "amazonaws.com" }),
  getRegion: ({ region }) => ({ region, name: region }),
  getAvailabilityZones: ({ region }) => ({ names: ["a", "b", "c"].map((zone) => region + zone) }),
  getParameter: () => ({ value: "ami-0a1b2c3d4e5f60718" }),
};
