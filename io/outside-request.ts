/**
 * A request to an address that somebody else chose. Where a name leads is looked at when the connection is made, so that a
 * name which leads elsewhere the second time is refused as well; a redirect is an answer, and never followed.
 */
import { lookup as lookUp } from "node:dns";
import { type IncomingHttpHeaders, request as plainRequest } from "node:http";
import { request as secureRequest } from "node:https";
import { BlockList, isIP, type LookupFunction } from "node:net";

export interface Reach {
  /** Addresses of this machine may be connected to, and without TLS. */
  loopback: boolean;
  /** Addresses of private networks may be connected to. */
  privateNetworks: boolean;
}

interface OutsideRequest {
  method: "GET" | "POST";
  headers: Record<string, string>;
  body?: string;
  /** The whole exchange may take so long. */
  milliseconds: number;
  /** So much of the answer's body is read. */
  bytes: number;
}

interface OutsideAnswer {
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
  /** The body was longer than what was read of it. */
  cut: boolean;
}

/** The answer, whatever its status. Throws an Error whose message is a reason: too slow, not reachable, out of reach. */
export async function askOutside(
  address: URL,
  reach: Reach,
  request: OutsideRequest,
): Promise<OutsideAnswer> {
  assertReach(address, reach);
  const signal = AbortSignal.timeout(request.milliseconds);
  try {
    return await exchange(address, reach, request, signal);
  } catch (error) {
    throw signal.aborted ? new Error(`it did not answer within ${request.milliseconds / 1_000} s`) : error;
  }
}

/** Throws where the address itself tells that it is out of reach; names are looked at when they are looked up. */
export function assertReach({ protocol, hostname }: URL, reach: Reach): void {
  const literal = hostname.replace(/^\[(.*)\]$/, "$1");
  if (isIP(literal) !== 0) assertAddress(literal, reach);
  if (protocol === "https:") return;
  const local = literal === "localhost" || kindOf(literal) === "loopback";
  if (protocol !== "http:" || !local || !reach.loopback) throw new Error("its address is not on https");
}

function exchange(
  address: URL,
  reach: Reach,
  { method, headers, body = "", bytes }: OutsideRequest,
  signal: AbortSignal,
): Promise<OutsideAnswer> {
  const request = address.protocol === "http:" ? plainRequest : secureRequest;
  return new Promise((resolve, reject) => {
    // No agent: a connection that is kept would be one that is not looked at again.
    const options = { method, agent: false, headers, signal, lookup: guardedLookup(reach) };
    const asked = request(address, options, (answer) => {
      const chunks: Buffer[] = [];
      let size = 0;
      const end = (cut: boolean) =>
        resolve({
          ...{ status: answer.statusCode ?? 0, headers: answer.headers, cut },
          body: Buffer.concat(chunks).subarray(0, bytes).toString("utf8"),
        });
      answer.on("data", (chunk: Buffer) => {
        size += chunk.length;
        chunks.push(chunk);
        if (size <= bytes) return;
        end(true);
        asked.destroy();
      });
      answer.on("end", () => end(false));
      answer.on("error", reject);
    });
    asked.on("error", reject);
    asked.end(body);
  });
}

function guardedLookup(reach: Reach): LookupFunction {
  return (hostname, options, callback) => {
    lookUp(hostname, { ...options, all: true }, (error, found) => {
      if (error !== null) return callback(error, [], 0);
      try {
        for (const { address } of found) assertAddress(address, reach);
      } catch (refusal) {
        return callback(refusal as Error, [], 0);
      }
      const [first] = found;
      if (options.all || first === undefined) return callback(null, found);
      callback(null, first.address, first.family);
    });
  };
}

/** In place of the address: the refusal may reach people from whom our networks are hidden. */
const LEADS_TO = {
  loopback: "this machine",
  private: "a private network",
  special: "an address that is no host's",
} as const;

function assertAddress(address: string, reach: Reach): void {
  const kind = kindOf(address);
  if (kind === "public") return;
  if ((kind === "private" && reach.privateNetworks) || (kind === "loopback" && reach.loopback)) return;
  throw new Error(`it leads to ${LEADS_TO[kind]}`);
}

function kindOf(address: string): "public" | "private" | "loopback" | "special" {
  const family = isIP(address) === 6 ? "ipv6" : "ipv4";
  if (isIP(address) === 0) return "public";
  if (LOOPBACK.check(address, family)) return "loopback";
  if (SPECIAL.check(address, family)) return "special";
  return PRIVATE.check(address, family) ? "private" : "public";
}

/** https://www.iana.org/assignments/iana-ipv4-special-registry and its sibling for version 6. */
const LOOPBACK = subnets("127.0.0.0/8", "::1/128");
const PRIVATE = subnets("10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7");
const SPECIAL = subnets(
  ...["0.0.0.0/8", "169.254.0.0/16", "192.0.0.0/24", "198.18.0.0/15", "224.0.0.0/3"],
  // The second block of the first line is where clouds tell machines their credentials; so is this one.
  "fd00:ec2::/32",
  // What is translated to version 4 could be any of the above.
  ...["::/96", "64:ff9b::/32", "2002::/16", "fe80::/10", "fec0::/10", "ff00::/8"],
);

function subnets(...blocks: string[]): BlockList {
  const list = new BlockList();
  for (const block of blocks) {
    const [net = "", prefix] = block.split("/");
    list.addSubnet(net, Number(prefix), isIP(net) === 6 ? "ipv6" : "ipv4");
  }
  return list;
}
