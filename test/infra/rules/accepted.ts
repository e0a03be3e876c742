/** What AWS turns away at a deployment, or never does, though every type is right. */
import { at, type Rule } from "./look.ts";

/**
 * Groups and their rules are described in the characters that EC2 takes, which knows no apostrophe:
 * https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_IpRange.html
 */
export const groupsAreDescribed: Rule = (program) =>
  ["ec2.SecurityGroup", "vpc.SecurityGroupEgressRule", "vpc.SecurityGroupIngressRule"]
    .flatMap((type) => program.all(type))
    .filter(({ inputs }) => inputs.description !== undefined)
    .filter(({ inputs }) => !/^[\w .\-:/()#,@[\]+=;{}!$*]{0,255}$/.test(String(inputs.description)))
    .map(({ name, inputs }) => `${name} is described as ${inputs.description}`);

/** A function that is called while the deployment runs finds the network as it will be. */
export const preparationFindsItsWay: Rule = (program) => {
  const ways = ["ec2.Route", "ec2.RouteTableAssociation", "ec2.Eip", "ec2.VpcEndpoint"]
    .flatMap((type) => program.all(type))
    // What is public is waited for by the way out itself.
    .filter(({ name }) => !/^Public/.test(name));
  const rules = ["vpc.SecurityGroupEgressRule", "vpc.SecurityGroupIngressRule"]
    .flatMap((type) => program.all(type))
    .filter(({ name }) => !/^Nat/.test(name));
  const { dependsOn } = program.one("lambda.Invocation", "Preparation");
  return [...ways, ...rules]
    .filter(({ name }) => !dependsOn.includes(name))
    .map(({ name }) => `the control database is prepared before ${name} is there`);
};

/** Whatever ports and networks the settings name, a control database of ours is let out to. */
export const controlIsReached: Rule = (program) =>
  program
    .all("vpc.SecurityGroupIngressRule")
    .filter(({ inputs }) => inputs.referencedSecurityGroupId === "FunctionsGroup-id")
    .filter(
      (inwards) =>
        !program
          .all("vpc.SecurityGroupEgressRule")
          .some(
            ({ inputs }) =>
              inputs.securityGroupId === "FunctionsGroup-id" &&
              inputs.referencedSecurityGroupId === inwards.inputs.securityGroupId &&
              inputs.fromPort === inwards.inputs.fromPort,
          ),
    )
    .map(({ name }) => `${name} lets in whom nobody lets out`);

/** API Gateway and EventBridge are known to tell whose resource calls, by its ARN, and are not known to tell the account. */
export const callersAreKnownByArn: Rule = (program) =>
  program
    .all("lambda.Permission")
    .filter(({ inputs }) => inputs.sourceAccount !== undefined)
    .map(({ name }) => `${name} asks for an account as well`);

/** Lambda looks for the queue when it is told of it. */
export const queueIsThereBefore: Rule = (program) =>
  program
    .all("lambda.FunctionEventInvokeConfig")
    .filter(
      (one) =>
        !one.dependsOn.includes("DeadLetters") &&
        at(one, "destinationConfig.onFailure.destination") !== undefined,
    )
    .map(({ name }) => `${name} does not wait for its queue`);
