/** The actions for which AWS allows nothing but every resource, each with the reason; there is no `*` for any other. */

export const UNSCOPED: Readonly<Record<string, string>> = {
  "states:SendTaskSuccess":
    "A task is answered by its token, not by a resource. It is granted to those only who cannot read an environment's credentials.",
  "states:SendTaskFailure": "As above.",
  "states:SendTaskHeartbeat": "The same. Only the container has it, and it answers nothing.",
  "xray:PutTraceSegments": "A trace belongs to the account; X-Ray has no resource for it.",
  "xray:PutTelemetryRecords": "The same of what is told of the tracing itself.",
  "xray:GetSamplingRules": "Rules that Step Functions asks for, which are the account's.",
  "xray:GetSamplingTargets": "As above.",
  "ec2:DescribeNetworkInterfaces":
    "EC2's descriptions know no resource. Only Lambda itself may: the condition turns away whatever the function's code asks.",
  "ec2:DescribeSubnets": "As above.",
  "logs:CreateLogDelivery":
    "Deliveries of logs know no resource. Only the machines have this, whose definitions are data and call functions alone.",
  "logs:GetLogDelivery": "As above.",
  "logs:UpdateLogDelivery": "As above.",
  "logs:DeleteLogDelivery": "As above.",
  "logs:ListLogDeliveries": "As above.",
  "logs:PutResourcePolicy":
    "Step Functions lets the delivery write to the group by the account's policy on logs.",
  "logs:DescribeResourcePolicies": "As above.",
  "logs:DescribeLogGroups": "As above.",
  "ecr:GetAuthorizationToken": "A sign-in to the registry is the account's; what may be fetched is named.",
};
