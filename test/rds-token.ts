/** The judge of RDS tokens, written from AWS's description of Signature Version 4 and apart from the code that signs. */
import { createHash, createHmac } from "node:crypto";

export interface RdsToken {
  /** `HOST:PORT` of the server it is for. */
  server: string;
  user: string;
  region: string;
  signedAt: Date;
  seconds: number;
  /** Of temporary credentials. */
  sessionToken: string | null;
}

/** Reads the token; throws unless it was signed with this key. */
export function readRdsToken(token: string, secretAccessKey: string): RdsToken {
  const [server = "", query = ""] = token.split("/?");
  const given = new Map(query.split("&").map((pair) => pair.split("=") as [string, string]));
  const word = (name: string) => decodeURIComponent(given.get(name) ?? "");
  const [, day = "", region = "", service = "", end = ""] = word("X-Amz-Credential").split("/");
  const date = word("X-Amz-Date");
  const signed = [...given]
    .filter(([name]) => name !== "X-Amz-Signature")
    .sort(([a], [b]) => (a < b ? -1 : 1));
  const request = [
    "GET",
    "/",
    signed.map((pair) => pair.join("=")).join("&"),
    `host:${server}`,
    "",
    "host",
    sha256(""),
  ].join("\n");
  const toSign = ["AWS4-HMAC-SHA256", date, `${day}/${region}/${service}/${end}`, sha256(request)].join("\n");
  const key = [day, region, "rds-db", "aws4_request"].reduce(
    (secret: string | Buffer, part) => hmac(secret, part),
    `AWS4${secretAccessKey}`,
  );
  if (hmac(key, toSign).toString("hex") !== word("X-Amz-Signature"))
    throw new Error("the signature is wrong");
  if (word("Action") !== "connect" || !date.startsWith(day)) throw new Error("it is not to connect");
  const [, y, mo, d, h, mi, s] = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(date) ?? [];
  return {
    ...{ server, region, user: word("DBUser"), seconds: Number(word("X-Amz-Expires")) },
    signedAt: new Date(`${y}-${mo}-${d}T${h}:${mi}:${s}Z`),
    sessionToken: given.has("X-Amz-Security-Token") ? word("X-Amz-Security-Token") : null,
  };
}

const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");
const hmac = (key: string | Buffer, text: string) => createHmac("sha256", key).update(text).digest();
