/** The API told as an OpenAPI 3.1 document: made from the routes, with what every route has in common added once, here. */
import type { OpenAPIHono } from "@hono/zod-openapi";
import { ERRORS, type ErrorCode } from "../../core/errors.ts";
import type { ApiDocument, DocumentedOperation, DocumentedResponse } from "../../web/reference.ts";
import type { ApiEnv } from "./request.ts";

/** Whatever is asked for, these may come: who asks is not known, or may not, or asks too often; the ledger is away. */
const ALWAYS: ErrorCode[] = [
  "Unauthorized",
  "Forbidden",
  "TooManyRequests",
  "DatabaseUnreachable",
  "ConnectionsExhausted",
  "Internal",
];

const TAGS = {
  Environments: "Databases that are registered, their policies, and what they hold.",
  Releases: "Bundles of migrations, uploaded once and named by their hash.",
  Promotions: "A release on its way to an environment: planned, rehearsed, approved, run, and taken back.",
  Backups: "Taken, verified, restored, exported and kept.",
  Prunes: "Working material of archived records: told, deleted and brought back by a policy, and held.",
  Stores:
    "An environment's data as files: made of its database, kept beside it, put in its place, and brought back.",
  Imports: "Files and databases of before, made into rows.",
  Reports: "Exports of what is on record, and documents made anew.",
  Queries: "What a release lets be asked of an environment's data: read, and never changed.",
  Tasks: "Work beside promotions, followed to its end.",
  People: "Who may do what, and by which credential.",
  Notices: "Who is told of what.",
  Log: "What happened, in a chain of hashes that whoever reads it can prove.",
  Service: "The service itself.",
};

const DESCRIPTION = `Promotes a Postgres database from one release to the next, and proves each step on a restored copy first.

**Credentials.** \`Authorization: Bearer\` with a key, or with a token of an issuer that is registered; in AWS a request signed for IAM. Each operation says which permission it takes (\`x-access\`).

**Refusals** are problem details (RFC 9457) with the catalogue's \`code\` and a \`hint\` that tells the mend. Each status names the codes it is known to carry (\`x-codes\`); others of the catalogue may come with it.

**Pages.** Every list takes \`limit\` and \`cursor\` and answers \`next\`, which is the cursor of the page behind, or null.

**Once.** What starts something takes an \`Idempotency-Key\`: the same key with the same body finds what was started, with another body it is refused (422).

**Unseen changes.** A promotion and an environment have an \`ETag\`. \`If-None-Match\` asks what is new (304 when nothing is); \`If-Match\` on a change insists that nothing is (412 when something is).

**Progress.** \`GET /promotions/{id}/wait\` answers when something has changed, or after 20 s; \`GET /promotions/{id}/events\` is the same for an EventSource.`;

/** The document of everything that was declared on `app`. */
export function apiDocument(app: OpenAPIHono<ApiEnv>): ApiDocument {
  app.openAPIRegistry.registerComponent("securitySchemes", "bearer", {
    type: "http",
    scheme: "bearer",
    description: "A key (rk_…), or a token (JWT) of an issuer that is registered",
  });
  app.openAPIRegistry.registerComponent("securitySchemes", "iam", {
    type: "apiKey",
    in: "header",
    name: "Authorization",
    description: "In AWS: a request signed with Signature Version 4, of a role that belongs to a person",
    "x-amazon-apigateway-authtype": "awsSigv4",
  });
  const document = app.getOpenAPI31Document({
    openapi: "3.1.0",
    info: {
      title: "Rehearsal",
      version: "1",
      description: DESCRIPTION,
      license: { name: "Apache-2.0", url: "https://www.apache.org/licenses/LICENSE-2.0" },
    },
    servers: [{ url: "/" }],
    security: [{ bearer: [] }, { iam: [] }],
    tags: Object.entries(TAGS).map(([name, description]) => ({ name, description })),
  }) as unknown as ApiDocument;
  for (const methods of Object.values(document.paths))
    for (const operation of Object.values(methods)) complete(operation);
  const used = new Set(
    Object.values(document.paths)
      .flatMap(operationsOf)
      .flatMap(({ tags }) => tags),
  );
  return { ...document, tags: document.tags.filter(({ name }) => used.has(name)) };
}

const operationsOf = (methods: Record<string, DocumentedOperation>) => Object.values(methods);

/** Adds to an operation what it may refuse as every other, status by status, and the headers that go with them. */
function complete(operation: DocumentedOperation): void {
  const open = operation.security?.length === 0;
  const { parameters = [], requestBody, responses } = operation;
  const common: ErrorCode[] = [
    ...(open ? (["Internal"] as const) : ALWAYS),
    ...(parameters.length > 0 || requestBody ? (["InputInvalid"] as const) : []),
    ...(requestBody ? (["BodyTooLarge"] as const) : []),
    ...(parameters.some((one) => one.in === "path") ? (["NotFound"] as const) : []),
  ];
  const named = Object.values(responses).flatMap((response) => response["x-codes"] ?? []) as ErrorCode[];
  const all = Map.groupBy([...new Set([...named, ...common])].sort(), (code) => String(ERRORS[code].status));
  for (const [status, codes] of [...all].sort()) responses[status] = refusal(Number(status), codes);
}

function refusal(status: number, codes: readonly ErrorCode[]): DocumentedResponse {
  const text = { schema: { type: "string" } };
  return {
    description: codes.map((code) => `\`${code}\``).join(", "),
    "x-codes": [...codes],
    ...(status === 429 && { headers: { "retry-after": { description: "Seconds", ...text } } }),
    ...(status === 401 && { headers: { "www-authenticate": { description: "Bearer", ...text } } }),
    content: { "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } } },
  };
}
