/**
 * What AWS asks of whoever sends a request to S3, as its documentation has it: "Required permissions for Amazon S3 API operations".
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html
 */
import type { S3Request } from "../../../local/s3/request.ts";
import type { Right } from "./iam.ts";

/** The rights, where the objects' bucket is told by its ARN; `key` is asked for what KMS does for a bucket. Throws for what we do not send. */
export function s3Rights(
  request: Pick<S3Request, "method" | "key" | "query" | "headers">,
  bucket: string,
  body: string,
): Right[] {
  const { key, query, headers } = request;
  if (key === undefined) return bucketRights(request, bucket, body);
  const object = (action: string, of = key) => right(action, `${bucket}/${of}`);
  const asked = (name: string) => name in query;
  const method = request.method === "HEAD" ? "GET" : request.method;
  const version = asked("versionId") ? "Version" : "";
  const marks = [
    ...(headers["x-amz-object-lock-mode"] === undefined
      ? []
      : [
          right("s3:PutObjectRetention", `${bucket}/${key}`, {
            "s3:object-lock-mode": headers["x-amz-object-lock-mode"],
          }),
        ]),
    ...(headers["x-amz-object-lock-legal-hold"] === undefined ? [] : [object("s3:PutObjectLegalHold")]),
    ...(headers["x-amz-tagging"] === undefined ? [] : [object("s3:PutObjectTagging")]),
  ];
  const source = copySource(headers["x-amz-copy-source"]);
  const from =
    source === undefined
      ? []
      : [right(`s3:GetObject${source.version}`, source.arn), right("kms:Decrypt", "")];
  if (asked("tagging") && method === "GET") return [object(`s3:GetObject${version}Tagging`)];
  if (asked("retention") || asked("legal-hold")) {
    const [, mode] = /<Mode>(\w+)<\/Mode>/.exec(body) ?? [];
    if (asked("retention") && mode !== undefined)
      return [right("s3:PutObjectRetention", `${bucket}/${key}`, { "s3:object-lock-mode": mode })];
    const what = asked("retention") ? "Retention" : "LegalHold";
    return [object(`s3:${method === "GET" ? "Get" : "Put"}Object${what}`)];
  }
  if (asked("uploadId") && method === "DELETE") return [object("s3:AbortMultipartUpload")];
  if (asked("uploadId") && method === "GET") return [object("s3:ListMultipartUploadParts")];
  // Parts are put together under one data key, which is opened for each of them.
  if (asked("uploadId") || asked("uploads"))
    return [
      ...from,
      object("s3:PutObject"),
      ...marks,
      right("kms:GenerateDataKey", ""),
      right("kms:Decrypt", ""),
    ];
  if (method === "PUT") {
    // A condition on what stands there is a look at it.
    const looks = headers["if-match"] === undefined ? [] : [object("s3:GetObject")];
    return [...from, object("s3:PutObject"), ...looks, ...marks, right("kms:GenerateDataKey", "")];
  }
  if (method === "GET") return [object(`s3:GetObject${version}`), right("kms:Decrypt", "")];
  if (method === "DELETE") return [object(`s3:DeleteObject${version}`)];
  throw new Error(`what S3 asks for ${method} of an object is not known here`);
}

function bucketRights(
  { method, query }: Pick<S3Request, "method" | "query">,
  bucket: string,
  body: string,
): Right[] {
  const asked = (name: string) => name in query;
  const prefix = query.prefix === undefined ? {} : { "s3:prefix": query.prefix };
  if (method === "GET" && asked("versioning")) return [right("s3:GetBucketVersioning", bucket)];
  if (method === "GET" && asked("object-lock")) return [right("s3:GetBucketObjectLockConfiguration", bucket)];
  if (method === "GET" && asked("uploads")) return [right("s3:ListBucketMultipartUploads", bucket)];
  if (method === "GET" && asked("versions")) return [right("s3:ListBucketVersions", bucket, prefix)];
  if (method === "GET" && asked("list-type")) return [right("s3:ListBucket", bucket, prefix)];
  if (method === "POST" && asked("delete"))
    return [...body.matchAll(/<Object>(.*?)<\/Object>/gs)].map(([, object = ""]) => {
      const version = object.includes("<VersionId>") ? "Version" : "";
      const [, key = ""] = /<Key>(.*?)<\/Key>/s.exec(object) ?? [];
      return right(`s3:DeleteObject${version}`, `${bucket}/${key}`);
    });
  throw new Error(
    `what S3 asks for ${method} of a bucket with ${Object.keys(query).join()} is not known here`,
  );
}

/** A KMS right has no resource yet: which key it is, the bucket tells. */
function right(action: string, resource: string, context: Right["context"] = {}): Right {
  return { action, resource, context };
}

function copySource(header: string | undefined): { arn: string; version: string } | undefined {
  if (header === undefined) return undefined;
  const [path = "", query = ""] = header.split("?");
  return {
    arn: `arn:aws:s3:::${decodeURIComponent(path)}`,
    version: query.includes("versionId=") ? "Version" : "",
  };
}
