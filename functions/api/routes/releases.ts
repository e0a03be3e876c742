/** Releases: a bundle is uploaded to the bucket, then proved and understood before it may be promoted. */
import { createRoute, z } from "@hono/zod-openapi";
import { canonicalJson } from "../../../core/canonical-json.ts";
import { sha256 as hashOf } from "../../../core/digest.ts";
import { RehearsalError } from "../../../core/errors.ts";
import { RELEASE_BYTES } from "../../../core/release-limits.ts";
import { manifestSchema, type ReleaseManifest } from "../../../core/release-manifest.ts";
import {
  findRelease,
  isKnownRelease,
  listReleases,
  type ReleaseRow,
  releaseKey,
} from "../../../io/ledger/releases.ts";
import { artifacts } from "../../clients.ts";
import { A_PERSON_WAITS, trySending } from "../../outbox.ts";
import { access } from "../access.ts";
import { instant, jsonAnswer, jsonBody, refused, releaseHash } from "../answer.ts";
import { next, pagesOf } from "../paging.ts";
import { refusals } from "../refusals.ts";
import { api } from "../request.ts";

/** How long an upload may take to begin. */
const UPLOAD_SECONDS = 900;

const fullHash = z.string().regex(/^[0-9a-f]{64}$/, "a hash has 64 hex digits");

const releaseSchema = z
  .object({ hash: fullHash, project: z.string(), uploadedBy: z.string(), createdAt: instant })
  .openapi("Release");

const pages = pagesOf("releases", fullHash);

const announce = createRoute({
  method: "post",
  path: "/releases",
  operationId: "announceRelease",
  ...access("promote", "somewhere"),
  tags: ["Releases"],
  summary: "Announce a bundle; the answer tells where to upload it, or that it is known",
  request: jsonBody(z.strictObject({ manifest: manifestSchema, sha256: fullHash, size: z.int().min(1) })),
  responses: {
    200: jsonAnswer(
      z.union([
        z.object({ hash: fullHash, known: z.literal(true) }),
        z.object({
          hash: fullHash,
          known: z.literal(false),
          upload: z.object({ url: z.string(), headers: z.record(z.string(), z.string()) }),
        }),
      ]),
      "Where to PUT exactly these bytes, unless they are known",
    ),
    ...refusals("ReleaseTooLarge", "BundleInvalid"),
  },
});

const accept = createRoute({
  method: "post",
  path: "/releases/{hash}",
  operationId: "acceptRelease",
  ...access("promote", "somewhere"),
  tags: ["Releases"],
  summary: "Accept an uploaded bundle: it is proved against its hash, and every file is read",
  request: { params: z.object({ hash: fullHash }) },
  responses: {
    200: jsonAnswer(releaseSchema, "It was accepted before"),
    201: jsonAnswer(releaseSchema, "It is accepted"),
    ...refusals(
      "ReleaseMismatch",
      "BundleInvalid",
      "ObjectMissing",
      "SqlSyntax",
      "SqlNotText",
      "SequenceBroken",
    ),
  },
});

const list = createRoute({
  method: "get",
  path: "/releases",
  operationId: "listReleases",
  ...access("read", "somewhere"),
  tags: ["Releases"],
  summary: "The newest releases first",
  request: { query: z.object(pages.query) },
  responses: {
    200: jsonAnswer(z.object({ releases: z.array(releaseSchema), next }), "Releases"),
    ...refused,
  },
});

const show = createRoute({
  method: "get",
  path: "/releases/{hash}",
  operationId: "showRelease",
  ...access("read", "somewhere"),
  tags: ["Releases"],
  summary: "One release, by the beginning of its hash",
  request: { params: z.object({ hash: releaseHash }) },
  responses: { 200: jsonAnswer(releaseSchema, "The release"), ...refused },
});

export const releaseRoutes = api()
  .openapi(announce, async (c) => {
    const { manifest, sha256, size } = c.req.valid("json");
    const head = canonicalJson(manifest);
    refuseOtherSize(manifest, head, size);
    const hash = hashOf(head);
    // A known release is never written again, so no address to write to is given out for it.
    if (await isKnownRelease(await c.var.ledger(), hash)) return c.json({ hash, known: true as const }, 200);
    const upload = await artifacts().presignPut(releaseKey(hash), { sha256, size }, UPLOAD_SECONDS);
    return c.json({ hash, known: false as const, upload }, 200);
  })
  .openapi(accept, async (c) => {
    const { hash } = c.req.valid("param");
    // Loaded on first use, for it brings the SQL parser.
    const { acceptRelease } = await import("../../upload.ts");
    const ledger = await c.var.ledger();
    const inserted = await acceptRelease(ledger, artifacts(), hash, c.var.person);
    await trySending(ledger, A_PERSON_WAITS);
    return c.json(shown(await findRelease(ledger, hash)), inserted ? 201 : 200);
  })
  .openapi(list, async (c) => {
    const { limit, cursor } = c.req.valid("query");
    const found = await listReleases(await c.var.ledger(), pages.rows(limit), cursor);
    const { entries, next } = pages.cut(found, limit, ({ hash }) => hash);
    return c.json({ releases: entries.map(shown), next }, 200);
  })
  .openapi(show, async (c) => {
    const { hash } = c.req.valid("param");
    return c.json(shown(await findRelease(await c.var.ledger(), hash)), 200);
  });

/** A bundle is its manifest, a line feed, and the files: its size follows from the manifest. */
function refuseOtherSize(manifest: ReleaseManifest, head: string, size: number): void {
  const files = manifest.files.reduce((sum, file) => sum + file.size, 0);
  // Before it lies in the bucket: whoever accepts it reads it whole.
  if (files > RELEASE_BYTES)
    throw new RehearsalError("ReleaseTooLarge", { size: files, limit: RELEASE_BYTES });
  const expected = files + Buffer.byteLength(head) + 1;
  if (size !== expected)
    throw new RehearsalError("BundleInvalid", {
      reason: `it has ${size} bytes, and by its manifest ${expected}`,
    });
}

function shown({ hash, project, uploadedBy, createdAt }: ReleaseRow) {
  return { hash, project, uploadedBy, createdAt: createdAt.toISOString() };
}
