/** X.509 certificates for tests, written out in DER: Node signs and reads them, but makes none. */
import { generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";
import { isIP } from "node:net";

export interface Authority {
  /** PEM. */
  certificate: string;
  /** A server's certificate for these names and addresses, good from now on for `days`; negative days have passed. */
  issue(hosts: string[], days?: number): { certificate: string; key: string };
}

/** A certificate authority of its own: nobody trusts it who was not given its certificate. */
export function makeAuthority(name: string): Authority {
  const keys = makeKeys();
  const own = (subject: string, extensions: Buffer, subjectKey: KeyObject, days: number) =>
    certificate({ issuer: name, issuerKey: keys.privateKey, subject, subjectKey, extensions, days });
  const extensions = sequence(
    // basicConstraints and keyUsage, critical: an authority that signs certificates.
    extension("2.5.29.19", sequence(der(0x01, Buffer.from([0xff]))), true),
    extension("2.5.29.15", der(0x03, Buffer.from([1, 0x06])), true),
  );
  return {
    certificate: own(name, extensions, keys.publicKey, 30),
    issue: (hosts, days = 30) => {
      const { privateKey, publicKey } = makeKeys();
      const names = hosts.map((host) =>
        isIP(host) === 4
          ? der(0x87, Buffer.from(host.split(".").map(Number)))
          : der(0x82, Buffer.from(host, "latin1")),
      );
      const forHosts = sequence(extension("2.5.29.17", sequence(...names)));
      return {
        certificate: own(hosts[0] ?? "nobody", forHosts, publicKey, days),
        key: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
      };
    },
  };
}

const makeKeys = () => generateKeyPairSync("ec", { namedCurve: "prime256v1" });

interface Content {
  issuer: string;
  issuerKey: KeyObject;
  subject: string;
  subjectKey: KeyObject;
  extensions: Buffer;
  days: number;
}

/** RFC 5280, 4.1. */
function certificate({ issuer, issuerKey, subject, subjectKey, extensions, days }: Content): string {
  const algorithm = sequence(oid("1.2.840.10045.4.3.2"));
  const day = 86_400_000;
  const from = Date.now() - day + Math.min(days, 0) * 2 * day;
  const toSign = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, Buffer.concat([Buffer.from([1]), randomBytes(8)])),
    algorithm,
    commonName(issuer),
    sequence(time(from), time(Date.now() + days * day)),
    commonName(subject),
    subjectKey.export({ type: "spki", format: "der" }),
    der(0xa3, extensions),
  );
  const signature = sign("sha256", toSign, issuerKey);
  const bytes = sequence(toSign, algorithm, der(0x03, Buffer.concat([Buffer.from([0]), signature])));
  const lines = bytes.toString("base64").replaceAll(/.{1,64}/g, "$&\n");
  return `-----BEGIN CERTIFICATE-----\n${lines}-----END CERTIFICATE-----\n`;
}

/** Tag, length, value. */
function der(tag: number, value: Buffer): Buffer {
  const length: number[] = [];
  for (let rest = value.length; rest > 0; rest >>= 8) length.unshift(rest & 0xff);
  const head = value.length < 0x80 ? [tag, value.length] : [tag, 0x80 | length.length, ...length];
  return Buffer.concat([Buffer.from(head), value]);
}

function sequence(...parts: Buffer[]): Buffer {
  return der(0x30, Buffer.concat(parts));
}

function oid(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split(".").map(Number);
  const bytes = [first * 40 + second];
  for (const part of rest) {
    const groups = [part & 0x7f];
    for (let high = part >> 7; high > 0; high >>= 7) groups.unshift((high & 0x7f) | 0x80);
    bytes.push(...groups);
  }
  return der(0x06, Buffer.from(bytes));
}

function commonName(name: string): Buffer {
  return sequence(der(0x31, sequence(oid("2.5.4.3"), der(0x0c, Buffer.from(name)))));
}

/** UTCTime, good until 2049. */
function time(milliseconds: number): Buffer {
  const digits = new Date(milliseconds)
    .toISOString()
    .replaceAll(/[-:T]|\.\d+/g, "")
    .slice(2);
  return der(0x17, Buffer.from(digits));
}

function extension(id: string, value: Buffer, critical = false): Buffer {
  const flag = critical ? [der(0x01, Buffer.from([0xff]))] : [];
  return sequence(oid(id), ...flag, der(0x04, value));
}
