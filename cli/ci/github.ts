/** A job of GitHub Actions: what it is run for, and where its words go. */
import { randomUUID } from "node:crypto";
import { appendFile, readFile } from "node:fs/promises";
import * as z from "zod";
import { RehearsalError } from "../../core/errors.ts";
import type { Variables } from "../connection.ts";
import type { Terminal } from "../terminal.ts";
import type { Board, Desk, Pipeline, PipelineEvent } from "./pipeline.ts";
import { openRest } from "./rest.ts";

/** https://docs.github.com/en/webhooks/webhook-events-and-payloads, as far as it is looked at. */
const repository = z.looseObject({ id: z.number(), full_name: z.string(), default_branch: z.string() });

const pullRequest = z.looseObject({
  number: z.int().positive(),
  repository,
  pull_request: z.looseObject({
    // Null when the fork was deleted.
    head: z.looseObject({ repo: z.looseObject({ id: z.number(), full_name: z.string() }).nullable() }),
    base: z.looseObject({ repo: z.looseObject({ id: z.number() }) }),
  }),
});

const push = z.looseObject({ ref: z.string(), deleted: z.boolean().default(false), repository });

interface GithubOptions {
  /** The branch whose pushes are promoted; the repository's default one when left out. */
  releaseBranch?: string | undefined;
}

/** What the job's variables and its event's payload tell; throws `PipelineUnfit` where that is nothing we know. */
export async function readGithub(variables: Variables, options: GithubOptions): Promise<Pipeline> {
  const { GITHUB_EVENT_NAME: name = "", GITHUB_EVENT_PATH: file = "" } = variables;
  const { GITHUB_RUN_ID: id = "", GITHUB_RUN_ATTEMPT: attempt = "1" } = variables;
  if (name === "" || file === "")
    throw unfit("GITHUB_EVENT_NAME or GITHUB_EVENT_PATH is not set: this is no job of GitHub Actions");
  const payload = await readPayload(file);
  const { GITHUB_SERVER_URL: server, GITHUB_REPOSITORY: own } = variables;
  const head = z.looseObject({ pull_request: z.looseObject({ head: z.looseObject({ sha: z.string() }) }) });
  // Of a pull request GITHUB_SHA is a merge that nobody has seen.
  const seen = head.safeParse(payload).data?.pull_request.head.sha ?? variables.GITHUB_SHA;
  return {
    event: eventOf(name, payload, variables, options),
    commit: seen || null,
    run: server && own && id ? `${server}/${own}/actions/runs/${id}` : null,
    key: `github ${own ?? ""} ${id}.${attempt}`,
  };
}

function eventOf(
  name: string,
  payload: unknown,
  variables: Variables,
  { releaseBranch }: GithubOptions,
): PipelineEvent {
  if (name === "pull_request") {
    const { number, pull_request } = parsed(pullRequest, payload);
    return { kind: "change", name: `pull request ${number}`, outside: whyOutside(pull_request, variables) };
  }
  if (name === "push") {
    const { ref, deleted, repository } = parsed(push, payload);
    const branch = releaseBranch || repository.default_branch;
    if (ref !== `refs/heads/${branch}`)
      return { kind: "none", why: `${ref} was pushed, and only "${branch}" is promoted` };
    return deleted ? { kind: "none", why: `${ref} was deleted` } : { kind: "release", branch };
  }
  if (name === "workflow_dispatch") {
    const branch = releaseBranch || parsed(z.looseObject({ repository }), payload).repository.default_branch;
    if (variables.GITHUB_REF === `refs/heads/${branch}`) return { kind: "release", branch };
    return {
      kind: "none",
      why: `${variables.GITHUB_REF ?? "another ref"} was chosen, and only "${branch}" is promoted`,
    };
  }
  if (name === "pull_request_target")
    throw unfit(
      "pull_request_target would run what a fork wrote with your repository's rights; use pull_request",
    );
  throw unfit(`nothing is done on ${name}; use pull_request, push and workflow_dispatch`);
}

type PullRequest = z.infer<typeof pullRequest>["pull_request"];

function whyOutside({ head, base }: PullRequest, variables: Variables): string | null {
  if (head.repo === null) return "It comes from a fork that is not there any more.";
  if (head.repo.id !== base.repo.id)
    return `It comes from the fork ${head.repo.full_name}, and GitHub gives no token to what a fork runs.`;
  const none =
    !variables.REHEARSAL_KEY && !variables.REHEARSAL_TOKEN && !variables.ACTIONS_ID_TOKEN_REQUEST_URL;
  if (none && variables.GITHUB_ACTOR === "dependabot[bot]")
    return "Dependabot set it off, and GitHub gives it no token.";
  return null;
}

/** The job's files and the pull request's comments. What is printed after `annotate` is not obeyed by the runner. */
export async function openGithub(
  variables: Variables,
  terminal: Terminal,
  pipeline: Pipeline,
): Promise<Desk> {
  const { GITHUB_STEP_SUMMARY: summary, GITHUB_OUTPUT: output } = variables;
  let annotated = false;
  return {
    annotate: (lines) => {
      if (annotated) return;
      annotated = true;
      if (lines !== "") terminal.out(lines);
      terminal.out(`::stop-commands::${randomUUID()}`);
    },
    summarize: async (markdown) => {
      if (summary) await appendFile(summary, `${markdown}\n`);
    },
    tell: async (values) => {
      const lines = Object.entries(values).map(
        ([name, value]) => `${name}=${value.replaceAll(/[\r\n]+/g, " ")}\n`,
      );
      if (output) await appendFile(output, lines.join(""));
    },
    board: await openComments(variables, pipeline),
  };
}

const comment = z.looseObject({
  id: z.number(),
  body: z.string().nullish(),
  user: z.looseObject({ login: z.string(), type: z.string() }).nullable(),
});

/** Undefined without a token, and for a change from outside: its token may only read. */
async function openComments(variables: Variables, { event }: Pipeline): Promise<Board | undefined> {
  const { GITHUB_TOKEN: token, GITHUB_REPOSITORY: own, GITHUB_EVENT_PATH: file = "" } = variables;
  if (!token || !own || event.kind !== "change" || event.outside !== null) return undefined;
  const { number } = parsed(pullRequest, await readPayload(file));
  const rest = openRest((variables.GITHUB_API_URL || "https://api.github.com").replace(/\/+$/, ""), {
    accept: "application/vnd.github+json",
    authorization: `Bearer ${token}`,
    "user-agent": "rehearsal",
    "x-github-api-version": "2022-11-28",
  });
  return {
    notes: async function* () {
      for await (const { id, body, user } of rest.list(`/repos/${own}/issues/${number}/comments`, comment))
        yield { id, body: body ?? "", own: user?.type === "Bot" };
    },
    create: async (body) => {
      await rest.call("POST", `/repos/${own}/issues/${number}/comments`, z.unknown(), { body });
    },
    update: async (id, body) => {
      await rest.call("PATCH", `/repos/${own}/issues/comments/${id}`, z.unknown(), { body });
    },
  };
}

async function readPayload(file: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(file, "utf8"));
  } catch (cause) {
    throw unfit("GITHUB_EVENT_PATH leads to no payload", cause);
  }
}

function parsed<S extends z.ZodType>(schema: S, payload: unknown): z.output<S> {
  const result = schema.safeParse(payload);
  if (!result.success)
    throw unfit(`the event's payload is not understood (${z.prettifyError(result.error)})`);
  return result.data;
}

function unfit(reason: string, cause?: unknown): RehearsalError {
  return new RehearsalError("PipelineUnfit", { reason }, { cause });
}
