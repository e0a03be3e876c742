/** STS on this machine: roles of other accounts can be taken here, by who is trusted, for credentials that end. */
import { randomBytes } from "node:crypto";
import type { IncomingMessage } from "node:http";
import * as z from "zod";
import { AwsError, type Endpoint, readBody, serveLoopback } from "./loopback.ts";
import { document } from "./s3/xml.ts";
import { type SigningKeys, signerOf } from "./signer.ts";

/** A role that somebody in this account may take. */
export interface LocalRole {
  arn: string;
  /** What whoever takes it has to say; anybody's word will do where it is left out. */
  externalId?: string;
}

export interface StsOptions {
  roles: readonly LocalRole[];
  /** Whose requests are answered. */
  callers: readonly SigningKeys[];
  /** Told of the keys that were given for a role. */
  onTaken?: (arn: string, keys: Required<SigningKeys>) => void;
}

const NAMESPACE = "https://sts.amazonaws.com/doc/2011-06-15/";

/** More than any request to take a role. */
const LARGEST_REQUEST = 64 * 1024;

const assumeRole = z.object({
  Action: z.literal("AssumeRole"),
  Version: z.literal("2011-06-15"),
  RoleArn: z.string(),
  RoleSessionName: z.string().regex(/^[\w+=,.@-]{2,64}$/),
  DurationSeconds: z.coerce.number().min(900).max(3_600).default(3_600),
  ExternalId: z.string().optional(),
});

/** Serves `AssumeRole` on 127.0.0.1, as https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html has it. */
export function startSts(options: StsOptions): Promise<Endpoint> {
  const headers = { "content-type": "text/xml" };
  return serveLoopback({
    answer: async (request) => ({ headers, body: await answer(options, request) }),
    refuse: ({ type, message, status }) => ({
      ...{ status, headers },
      body: xml("ErrorResponse", [
        [
          "Error",
          [
            ["Type", "Sender"],
            ["Code", type],
            ["Message", message],
          ],
        ],
      ]),
    }),
  });
}

async function answer({ roles, callers, onTaken }: StsOptions, request: IncomingMessage): Promise<string> {
  const body = await readBody(request, LARGEST_REQUEST);
  const caller = await signerOf("sts", request, body, callers);
  if (caller === undefined) throw new AwsError("InvalidClientTokenId", "The security token is invalid.", 403);
  const form = Object.fromEntries(new URLSearchParams(body.toString("utf8")));
  const asked = assumeRole.safeParse(form);
  if (!asked.success) throw new AwsError("ValidationError", z.prettifyError(asked.error));
  const { RoleArn: arn, RoleSessionName: session, DurationSeconds: seconds, ExternalId: id } = asked.data;
  const role = roles.find((one) => one.arn === arn);
  // Whether it is not there or not for the caller, AWS does not say.
  if (role === undefined || (role.externalId !== undefined && role.externalId !== id))
    throw new AwsError("AccessDenied", `not authorized to perform: sts:AssumeRole on resource: ${arn}`, 403);
  const keys = {
    accessKeyId: `ASIA${randomBytes(8).toString("hex").toUpperCase()}`,
    secretAccessKey: randomBytes(30).toString("base64"),
    sessionToken: randomBytes(60).toString("base64"),
  };
  onTaken?.(arn, keys);
  return xml("AssumeRoleResponse", [
    [
      "AssumeRoleResult",
      [
        [
          "Credentials",
          [
            ["AccessKeyId", keys.accessKeyId],
            ["SecretAccessKey", keys.secretAccessKey],
            ["SessionToken", keys.sessionToken],
            ["Expiration", new Date(Date.now() + seconds * 1_000).toISOString()],
          ],
        ],
        [
          "AssumedRoleUser",
          [
            ["Arn", `${arn}/${session}`],
            ["AssumedRoleId", `AROALOCAL:${session}`],
          ],
        ],
      ],
    ],
  ]);
}

function xml(name: string, members: Parameters<typeof document>[1]): string {
  return document(name, members, false).replace(`<${name}>`, `<${name} xmlns="${NAMESPACE}">`);
}
