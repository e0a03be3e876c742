/**
 * Trust in jobs of GitLab CI. The claims: https://docs.gitlab.com/ci/secrets/id_token_authentication. In a merge
 * request's pipeline `project_id` and `ref_path` are those of the project that the request comes from, which is the fork
 * where there is one, and `job_project_id` is where it runs (GitLab 18.3 and newer).
 */
import * as z from "zod";
import {
  type Claims,
  claim,
  firstFitting,
  matches,
  type Pin,
  type Pipeline,
  refPattern,
  trustBase,
  trustedId,
} from "./pipeline-trust.ts";

/** Pipelines that run what has not been merged. */
const MERGE_REQUEST_SOURCES = new Set(["merge_request_event", "external_pull_request_event"]);

export const gitlabTrustSchema = z
  .strictObject({
    ...trustBase,
    /** The project's number, for its path can be taken over. */
    projectId: trustedId,
    /** `ref_path`: the branches or tags that may have been run. */
    refs: z.array(refPattern).min(1).max(50),
    /** False lets in refs that anybody who may push can move. */
    refProtected: z.boolean().default(true),
    /** `pipeline_source`: what may have set it off. */
    sources: z
      .array(z.string().regex(/^[a-z_]{1,60}$/))
      .min(1)
      .max(40),
  })
  .refine(({ sources, pullRequest }) => pullRequest === "rehearse" || !sources.some(isMergeRequest), {
    path: ["sources"],
    message: `these run what is not merged: ${[...MERGE_REQUEST_SOURCES].join(", ")}; name them only together with "pullRequest": "rehearse"`,
  });

type GitlabTrust = z.infer<typeof gitlabTrustSchema>;

/** For whom the verified claims speak, or which of them no trust accepts. */
export function gitlabPipeline(
  trusts: readonly GitlabTrust[],
  claims: Claims,
): Pipeline | { misfits: string[] } {
  const source = claim(claims, "pipeline_source") ?? "";
  const found = firstFitting(trusts, (trust) => pins(trust, claims, source));
  if ("misfits" in found) return found;
  const user = claim(claims, "user_id");
  return {
    trust: found.trust,
    actor: user === undefined ? undefined : `actor:${user}`,
    // Of a job that is run again the token names who did that; of a schedule, who owns it.
    byActor: source !== "schedule",
    rehearsesOnly: isMergeRequest(source) || found.trust.pullRequest === "rehearse",
    run: `${claim(claims, "project_path")} job ${claim(claims, "job_id")} ${source}`,
  };
}

function pins(trust: GitlabTrust, claims: Claims, source: string): Pin[] {
  const is = (name: string, wanted: string): Pin => ({ claim: name, fits: claim(claims, name) === wanted });
  const ref = claim(claims, "ref_path");
  const all: Pin[] = [
    is("project_id", trust.projectId),
    { claim: "ref_path", fits: trust.refs.some((one) => matches(one, ref)) },
    { claim: "pipeline_source", fits: trust.sources.includes(source) },
  ];
  if (claim(claims, "job_project_id") !== undefined) all.push(is("job_project_id", trust.projectId));
  if (trust.refProtected) all.push(is("ref_protected", "true"));
  if (trust.environment !== undefined) all.push(is("environment", trust.environment));
  if (isMergeRequest(source)) all.push({ claim: "pipeline_source", fits: trust.pullRequest === "rehearse" });
  return all;
}

function isMergeRequest(source: string): boolean {
  return MERGE_REQUEST_SOURCES.has(source);
}
