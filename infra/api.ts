/** The API and the console behind API Gateway, the only part of the deployment that the internet reaches. */
import { accessLogGroup, logGroupArn, prefix } from "./deployment.ts";
import type { DeployedFunction } from "./functions.ts";
import type { Place } from "./place.ts";

export interface Gateway {
  api: aws.apigatewayv2.Api;
  /** Where people open the console: the functions are told, so it is there before them. */
  url: $util.Output<string>;
}

/** An address without anything behind it yet. Browsers of other origins are let in by no CORS, and have no business here. */
export function createGateway({ deployment: d, settings }: Place): Gateway {
  const { domain, consoleUrl } = settings;
  const api = new aws.apigatewayv2.Api("Api", {
    ...{ name: prefix(d), protocolType: "HTTP" },
    // Who has a domain of their own wants no second way in.
    disableExecuteApiEndpoint: domain !== undefined,
  });
  const own = domain && `https://${domain.name}`;
  return { api, url: $util.output(consoleUrl ?? own ?? api.apiEndpoint) };
}

/**
 * Every route to the API's function; those below /iam only where AWS has found the request signed. What a domain of the user's
 * has to point at, if there is one.
 */
export function openGateway(
  { deployment: d, settings }: Place,
  { api }: Gateway,
  { function: handler, alias }: DeployedFunction,
  prepared: $util.Resource,
): $util.Output<string> | undefined {
  const integration = new aws.apigatewayv2.Integration(
    "ApiIntegration",
    {
      ...{ apiId: api.id, integrationType: "AWS_PROXY", integrationUri: alias.invokeArn },
      ...{ payloadFormatVersion: "2.0", timeoutMilliseconds: 30_000 },
    },
    { dependsOn: [prepared] },
  );
  const target = $interpolate`integrations/${integration.id}`;
  new aws.apigatewayv2.Route("ApiDefaultRoute", { apiId: api.id, routeKey: "$default", target });
  new aws.apigatewayv2.Route("ApiIamRoute", {
    ...{ apiId: api.id, routeKey: "ANY /iam/{proxy+}", authorizationType: "AWS_IAM", target },
  });
  for (const [name, route] of [
    ["Default", "*/$default"],
    ["Iam", "*/*/iam/{proxy+}"],
  ])
    new aws.lambda.Permission(`Api${name}Permission`, {
      // No account beside it: the ARN has it, and API Gateway is documented to tell the ARN alone.
      ...{ action: "lambda:InvokeFunction", principal: "apigateway.amazonaws.com" },
      ...{ function: handler.name, qualifier: alias.name },
      sourceArn: $interpolate`${api.executionArn}/${route}`,
    });

  const logs = new aws.cloudwatch.LogGroup("ApiLogs", {
    ...{ name: accessLogGroup(d), retentionInDays: settings.logDays },
  });
  const stage = new aws.apigatewayv2.Stage(
    "ApiStage",
    {
      ...{ apiId: api.id, name: "$default", autoDeploy: true },
      accessLogSettings: {
        destinationArn: logGroupArn(d, accessLogGroup(d), "group"),
        format: JSON.stringify(ACCESS),
      },
      // For all callers together; how much one person may ask is counted by the API itself.
      defaultRouteSettings: { throttlingBurstLimit: 200, throttlingRateLimit: 100 },
    },
    { dependsOn: [logs] },
  );
  return settings.domain && nameGateway(settings.domain, api, stage);
}

/** Who asked for what and what came of it; no header and no query, in which a credential could stand. */
const ACCESS = {
  request: "$context.requestId",
  time: "$context.requestTime",
  source: "$context.identity.sourceIp",
  caller: "$context.identity.userArn",
  method: "$context.httpMethod",
  path: "$context.path",
  route: "$context.routeKey",
  status: "$context.status",
  bytes: "$context.responseLength",
  milliseconds: "$context.responseLatency",
  error: "$context.integrationErrorMessage",
};

/** The user points the domain at `domainTarget` of the outputs, wherever its zone is. */
function nameGateway(
  { name, certificate }: { name: string; certificate: string },
  api: aws.apigatewayv2.Api,
  stage: aws.apigatewayv2.Stage,
): $util.Output<string> {
  const domain = new aws.apigatewayv2.DomainName("ApiDomain", {
    domainName: name,
    domainNameConfiguration: {
      ...{ certificateArn: certificate, endpointType: "REGIONAL", securityPolicy: "TLS_1_2" },
    },
  });
  new aws.apigatewayv2.ApiMapping("ApiDomainMapping", {
    ...{ apiId: api.id, domainName: domain.id, stage: stage.id },
  });
  return domain.domainNameConfiguration.targetDomainName;
}
