/** A job of GitLab CI: what it is run for, and where its words go. */
import * as z from "zod";
import { RehearsalError } from "../../core/errors.ts";
import type { Variables } from "../connection.ts";
import type { Board, Desk, Pipeline, PipelineEvent } from "./pipeline.ts";
import { openRest } from "./rest.ts";

/** What the job's variables tell (https://docs.gitlab.com/ci/variables/predefined_variables/); throws `PipelineUnfit`. */
export function readGitlab(
  variables: Variables,
  { releaseBranch }: { releaseBranch?: string | undefined },
): Pipeline {
  const { CI_JOB_ID: job = "", CI_JOB_URL: run, CI_PROJECT_PATH: path = "" } = variables;
  if (!variables.GITLAB_CI) throw unfit("GITLAB_CI is not set: this is no job of GitLab CI");
  return {
    event: eventOf(variables, releaseBranch),
    run: run ?? null,
    commit: variables.CI_COMMIT_SHA ?? null,
    key: `gitlab ${path} ${job}`,
  };
}

function eventOf(variables: Variables, releaseBranch: string | undefined): PipelineEvent {
  const { CI_PIPELINE_SOURCE: source = "", CI_COMMIT_BRANCH: branch } = variables;
  if (source === "merge_request_event") {
    const { CI_MERGE_REQUEST_IID: number } = variables;
    if (number === undefined) throw unfit("CI_MERGE_REQUEST_IID is not set");
    return { kind: "change", name: `merge request ${number}`, outside: whyOutside(variables) };
  }
  const wanted = releaseBranch || variables.CI_DEFAULT_BRANCH;
  if (branch === undefined || branch !== wanted)
    return {
      kind: "none",
      why: `"${branch ?? variables.CI_COMMIT_REF_NAME ?? "?"}" was run, and only "${wanted ?? "?"}" is promoted`,
    };
  return { kind: "release", branch };
}

/** In a fork's own pipeline the job runs there, whose variables and tokens are the fork's. */
function whyOutside(variables: Variables): string | null {
  const { CI_MERGE_REQUEST_PROJECT_ID: project, CI_MERGE_REQUEST_SOURCE_PROJECT_ID: source } = variables;
  if (project !== undefined && project === source) return null;
  return `It comes from the fork ${variables.CI_MERGE_REQUEST_SOURCE_PROJECT_PATH ?? "of the project"}, whose jobs are not trusted.`;
}

/** The merge request's notes. The report's files are the job's artifacts; there is no page of the run to write to. */
export function openGitlab(variables: Variables, pipeline: Pipeline): Desk {
  return {
    // The job's log obeys nothing; findings go to the code quality report.
    annotate: () => undefined,
    summarize: async () => undefined,
    tell: async () => undefined,
    board: openNotes(variables, pipeline),
  };
}

const note = z.looseObject({
  id: z.number(),
  body: z.string(),
  system: z.boolean().default(false),
  author: z.looseObject({ id: z.number() }),
});

/** Undefined without a token that may write notes: the job's own may not. */
function openNotes(variables: Variables, { event }: Pipeline): Board | undefined {
  const {
    REHEARSAL_GITLAB_TOKEN: token,
    CI_API_V4_URL: api,
    CI_MERGE_REQUEST_PROJECT_ID: project,
  } = variables;
  if (!token || !api || !project || event.kind !== "change" || event.outside !== null) return undefined;
  const rest = openRest(api.replace(/\/+$/, ""), { "private-token": token, "user-agent": "rehearsal" });
  const path = `/projects/${encodeURIComponent(project)}/merge_requests/${variables.CI_MERGE_REQUEST_IID ?? ""}/notes`;
  return {
    notes: async function* () {
      const me = await rest.call("GET", "/user", z.looseObject({ id: z.number() }));
      for await (const { id, body, system, author } of rest.list(path, note))
        yield { id, body, own: !system && author.id === me.id };
    },
    create: async (body) => {
      await rest.call("POST", path, z.unknown(), { body });
    },
    update: async (id, body) => {
      await rest.call("PUT", `${path}/${id}`, z.unknown(), { body });
    },
  };
}

function unfit(reason: string): RehearsalError {
  return new RehearsalError("PipelineUnfit", { reason });
}
