/** Where the functions run: in the user's network, in one of their own, or in none. Why so: docs/decisions/0037. */
import { prefix } from "./deployment.ts";
import type { Place } from "./place.ts";

export interface Network {
  vpc: $util.Input<string>;
  /** Private: nothing on the internet reaches what is in them. */
  subnets: $util.Input<string>[];
  /** The group of the functions and the container; databases let it in. */
  functions: aws.ec2.SecurityGroup;
  /** There before a function reaches anything. */
  ready: $util.Resource[];
}

/** Undefined where the functions run outside of any network. */
export async function createNetwork(place: Place): Promise<Network | undefined> {
  const { network } = place.settings;
  if (network.kind === "none") return undefined;
  const { vpc, subnets, ready } =
    network.kind === "existing" ? { ...network, ready: [] } : await createVpc(place, network);
  const { group, rules } = createFunctionsGroup(place, vpc);
  return { vpc, subnets, functions: group, ready: [...ready, ...rules] };
}

/** Nobody may call a function by the network; it calls HTTPS, and databases on their ports. */
function createFunctionsGroup({ deployment, settings }: Place, vpcId: $util.Input<string>) {
  const group = new aws.ec2.SecurityGroup("FunctionsGroup", {
    name: `${prefix(deployment)}-functions`,
    description: "Functions: HTTPS and databases, nothing inwards",
    vpcId,
  });
  const out = (name: string, port: number, cidrIpv4: string, description: string) =>
    new aws.vpc.SecurityGroupEgressRule(name, {
      ...{ securityGroupId: group.id, ipProtocol: "tcp", fromPort: port, toPort: port },
      ...{ cidrIpv4, description },
    });
  const https = out("FunctionsOutHttps", 443, "0.0.0.0/0", "services of AWS, webhooks, issuers of tokens");
  const databases = settings.databasePorts.flatMap((port) =>
    settings.databaseNetworks.map((network, index) =>
      out(`FunctionsOutDatabase${port}n${index}`, port, network, "databases that are promoted"),
    ),
  );
  return { group, rules: [https, ...databases] };
}

/** Zones in which Lambda attaches nothing to a network, or a NAT gateway cannot stand. */
const CONSTRAINED_ZONES = ["use1-az3", "usw1-az2", "apne1-az3", "cac1-az4"];

/** A zone that is down on the day of a deployment is not listed: the subnets, and what is in them, stay all the same. */
const WHERE_THEY_ARE = { ignoreChanges: ["availabilityZone"] };

/**
 * Two private subnets, for Aurora wants two zones, and a public one that holds the way out and nothing else. S3, where
 * the bytes go, has a gateway of its own, which is free.
 */
async function createVpc(
  { deployment, settings }: Place,
  { cidr, egress }: { cidr: string; egress: "instance" | "gateway" },
): Promise<{ vpc: $util.Input<string>; subnets: $util.Input<string>[]; ready: $util.Resource[] }> {
  const [first, second] = cidr.split(".");
  const part = (third: number, bits: number) => `${first}.${second}.${third}.0/${bits}`;
  const named = (what: string) => ({ Name: `${prefix(deployment)}-${what}` });
  const { names: zones } = await aws.getAvailabilityZones({
    state: "available",
    // Local zones, which an account may have asked for, have neither Aurora nor a way out.
    filters: [{ name: "opt-in-status", values: ["opt-in-not-required"] }],
    excludeZoneIds: CONSTRAINED_ZONES,
  });

  const vpc = new aws.ec2.Vpc("Vpc", {
    ...{ cidrBlock: cidr, enableDnsHostnames: true, enableDnsSupport: true, tags: named("network") },
  });
  // AWS makes one that lets its members reach each other; without rules it lets nobody do anything.
  new aws.ec2.DefaultSecurityGroup("ClosedGroup", { vpcId: vpc.id, ingress: [], egress: [] });

  const door = new aws.ec2.InternetGateway("Door", { vpcId: vpc.id, tags: named("door") });
  const publicSubnet = new aws.ec2.Subnet(
    "PublicSubnet",
    {
      ...{ vpcId: vpc.id, cidrBlock: part(128, 24), mapPublicIpOnLaunch: false, tags: named("public") },
      ...(zones[0] !== undefined && { availabilityZone: zones[0] }),
    },
    WHERE_THEY_ARE,
  );
  const publicTable = new aws.ec2.RouteTable("PublicRoutes", { vpcId: vpc.id, tags: named("public") });
  new aws.ec2.RouteTableAssociation("PublicSubnetRoutes", {
    ...{ subnetId: publicSubnet.id, routeTableId: publicTable.id },
  });
  const outwards = new aws.ec2.Route("PublicOut", {
    ...{ routeTableId: publicTable.id, destinationCidrBlock: "0.0.0.0/0", gatewayId: door.id },
  });

  const privateTable = new aws.ec2.RouteTable("PrivateRoutes", { vpcId: vpc.id, tags: named("private") });
  const inside = [0, 1].map((index) => {
    const subnet = new aws.ec2.Subnet(
      `PrivateSubnet${index + 1}`,
      {
        ...{ vpcId: vpc.id, cidrBlock: part(index * 16, 20), mapPublicIpOnLaunch: false },
        ...(zones[index] !== undefined && { availabilityZone: zones[index] }),
        tags: named(`private-${index + 1}`),
      },
      WHERE_THEY_ARE,
    );
    const routes = new aws.ec2.RouteTableAssociation(`PrivateSubnet${index + 1}Routes`, {
      ...{ subnetId: subnet.id, routeTableId: privateTable.id },
    });
    return { subnet: subnet.id, routes };
  });
  const subnets = inside.map(({ subnet }) => subnet);
  const routed = inside.map(({ routes }) => routes);
  const inner = { vpc: vpc.id, from: [part(0, 20), part(16, 20)], subnet: publicSubnet.id, outwards };
  const { way, address } = egress === "gateway" ? natGateway(inner) : natInstance(inner, named("nat"));
  const out = new aws.ec2.Route("PrivateOut", {
    routeTableId: privateTable.id,
    destinationCidrBlock: "0.0.0.0/0",
    ...way,
  });
  const storage = new aws.ec2.VpcEndpoint("S3Endpoint", {
    ...{ vpcId: vpc.id, vpcEndpointType: "Gateway", routeTableIds: [privateTable.id] },
    serviceName: `com.amazonaws.${settings.region}.s3`,
  });
  return { vpc: vpc.id, subnets, ready: [out, address, storage, ...routed] };
}

interface Inner {
  vpc: $util.Input<string>;
  /** The private subnets, which alone may use the way out. */
  from: string[];
  subnet: $util.Input<string>;
  outwards: aws.ec2.Route;
}

function natGateway({ subnet, outwards }: Inner) {
  const address = new aws.ec2.Eip("NatAddress", { domain: "vpc" });
  const gateway = new aws.ec2.NatGateway(
    "NatGateway",
    { subnetId: subnet, allocationId: address.id },
    { dependsOn: [outwards] },
  );
  return { way: { natGatewayId: gateway.id }, address };
}

/** As AWS's guide to NAT instances has it, on AWS's own image: https://docs.aws.amazon.com/vpc/latest/userguide/work-with-nat-instances.html */
const NAT_BOOT = `#!/bin/bash
set -eu
echo net.ipv4.ip_forward=1 > /etc/sysctl.d/90-forward.conf
sysctl -p /etc/sysctl.d/90-forward.conf
# It may be awake before it has its address.
until dnf install -y iptables-services; do sleep 5; done
systemctl enable --now iptables
iptables -t nat -A POSTROUTING -o "$(ip -o -4 route show default | awk '{print $5; exit}')" -j MASQUERADE
iptables -F FORWARD
service iptables save
`;

function natInstance({ vpc, from, subnet, outwards }: Inner, tags: { Name: string }) {
  const group = new aws.ec2.SecurityGroup("NatGroup", {
    description: "The way out: from the private subnets only",
    vpcId: vpc,
  });
  for (const [index, cidrIpv4] of from.entries())
    new aws.vpc.SecurityGroupIngressRule(`NatIn${index + 1}`, {
      ...{ securityGroupId: group.id, ipProtocol: "-1", cidrIpv4 },
    });
  new aws.vpc.SecurityGroupEgressRule("NatOut", {
    ...{ securityGroupId: group.id, ipProtocol: "-1", cidrIpv4: "0.0.0.0/0" },
  });
  const image = aws.ssm.getParameterOutput({
    name: "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64",
  });
  const instance = new aws.ec2.Instance(
    "NatInstance",
    {
      ...{ ami: image.value, instanceType: "t4g.nano", subnetId: subnet, vpcSecurityGroupIds: [group.id] },
      // It hands on what is addressed to others.
      sourceDestCheck: false,
      metadataOptions: { httpEndpoint: "enabled", httpTokens: "required" },
      rootBlockDevice: { encrypted: true, volumeType: "gp3" },
      userData: NAT_BOOT,
      tags,
    },
    // A newer image does not replace the way out in the middle of a promotion.
    { dependsOn: [outwards], ignoreChanges: ["ami"] },
  );
  const address = new aws.ec2.Eip(
    "NatAddress",
    { domain: "vpc", instance: instance.id },
    { dependsOn: [outwards] },
  );
  return { way: { networkInterfaceId: instance.primaryNetworkInterfaceId }, address };
}
