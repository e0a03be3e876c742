/**
 * Trust in workflows of GitHub Actions. The claims: https://docs.github.com/en/actions/reference/security/oidc. The
 * subject is not looked at: it is made of names, which can change hands, and repositories choose its form.
 */
import * as z from "zod";
import {
  type Claims,
  claim,
  firstFitting,
  matches,
  type Pin,
  type Pipeline,
  trustBase,
  trustedId,
} from "./pipeline-trust.ts";

/** Events that somebody without rights in the repository can set off, or that carry what they wrote. */
const OUTSIDE_EVENTS = new Set([
  "discussion",
  "discussion_comment",
  "fork",
  "gollum",
  "issue_comment",
  "issues",
  "pull_request",
  "pull_request_review",
  "pull_request_review_comment",
  "pull_request_target",
  "watch",
  "workflow_run",
]);

const workflow = z
  .string()
  .max(500)
  .regex(
    /^[\w.-]+\/[\w.-]+\/\.github\/workflows\/[\w.-]+\.ya?ml@refs\/[^\s?[\]\\]+$/,
    'write it whole: "OWNER/REPOSITORY/.github/workflows/FILE.yml@refs/heads/main"; only behind the @ may a star stand, for one part of the ref',
  );

export const githubTrustSchema = z
  .strictObject({
    ...trustBase,
    /** The numbers of the repository and of its owner, for names can be taken over. */
    repositoryId: trustedId,
    ownerId: trustedId,
    /** `workflow_ref`: which file, and which version of it. */
    workflows: z.array(workflow).min(1).max(50),
    /** `event_name`: what may have set it off. */
    events: z
      .array(z.string().regex(/^[a-z_]{1,60}$/))
      .min(1)
      .max(40),
  })
  .refine(({ events, pullRequest }) => pullRequest === "rehearse" || !events.some(isOutside), {
    path: ["events"],
    message: `outsiders can set these off: ${[...OUTSIDE_EVENTS].join(", ")}; name them only together with "pullRequest": "rehearse"`,
  });

type GithubTrust = z.infer<typeof githubTrustSchema>;

/** For whom the verified claims speak, or which of them no trust accepts. */
export function githubPipeline(
  trusts: readonly GithubTrust[],
  claims: Claims,
): Pipeline | { misfits: string[] } {
  const event = claim(claims, "event_name") ?? "";
  const outside = isOutside(event) || ofPullRequest(claims);
  const found = firstFitting(trusts, (trust) => pins(trust, claims, { event, outside }));
  if ("misfits" in found) return found;
  const actor = claim(claims, "actor_id");
  return {
    trust: found.trust,
    actor: actor === undefined ? undefined : `actor:${actor}`,
    // Of a run that is run again the token names who began it, and of a schedule who wrote it: somebody else may be behind it.
    byActor: claim(claims, "run_attempt") === "1" && event !== "schedule",
    // Once a trust lets outsiders in, whatever else comes by it is held to the same.
    rehearsesOnly: outside || found.trust.pullRequest === "rehearse",
    run: `${claim(claims, "repository")} run ${claim(claims, "run_id")}.${claim(claims, "run_attempt")} ${event}`,
  };
}

function pins(trust: GithubTrust, claims: Claims, { event, outside }: { event: string; outside: boolean }) {
  const is = (name: string, wanted: string): Pin => ({ claim: name, fits: claim(claims, name) === wanted });
  const ran = claim(claims, "workflow_ref");
  const all: Pin[] = [
    is("repository_id", trust.repositoryId),
    is("repository_owner_id", trust.ownerId),
    { claim: "workflow_ref", fits: trust.workflows.some((one) => matches(one, ran)) },
    { claim: "event_name", fits: trust.events.includes(event) },
  ];
  if (trust.environment !== undefined) all.push(is("environment", trust.environment));
  if (outside) all.push({ claim: "head_ref", fits: trust.pullRequest === "rehearse" });
  return all;
}

/** Whatever the event is called: a pull request's branches, or its ref. */
function ofPullRequest(claims: Claims): boolean {
  return (
    claim(claims, "head_ref") !== undefined ||
    claim(claims, "base_ref") !== undefined ||
    /^refs\/pull\//.test(claim(claims, "ref") ?? "") ||
    /:pull_request$/.test(claim(claims, "sub") ?? "")
  );
}

function isOutside(event: string): boolean {
  return OUTSIDE_EVENTS.has(event);
}
