/** Serves one run of a pipeline: a change is linted and rehearsed, a release is promoted, and everybody is told what came of it. */
import { writeFile } from "node:fs/promises";
import { join, relative, resolve } from "node:path";
import { RehearsalError } from "../../core/errors.ts";
import type { Finding } from "../../core/lint/lint.ts";
import { EXIT_CODES } from "../../core/steps.ts";
import type { Context, Outcome } from "../command.ts";
import { lintFolder } from "../commands/lint.ts";
import { uploadRelease } from "../commands/project.ts";
import { prepareRelease } from "../commands/release.ts";
import { exitOfEnd } from "../follow.ts";
import { githubText } from "../lint/github.ts";
import { exitOf, refusalOf } from "../refusal.ts";
import { plain } from "../text.ts";
import { promoteInTurn } from "./in-turn.ts";
import type { Desk, Pipeline } from "./pipeline.ts";
import { keepReport, writeFindings } from "./report-files.ts";
import { markOf, stick } from "./sticky-note.ts";
import { plansOf, type Verdict } from "./verdict.ts";
import { verdictMarkdown } from "./verdict-markdown.ts";

interface ServeOptions {
  environment: string;
  /** Where the artifacts go. */
  output: string;
  /** Minutes that a turn, and an approval, are waited for. */
  wait: number;
  /** The root of the checkout: what paths are shown from. */
  root: string;
  commit: string | null;
  note: boolean;
}

/** Never throws for what the release or the service has against it: that is the verdict. */
export async function serve(
  context: Context,
  pipeline: Pipeline,
  desk: Desk,
  options: ServeOptions,
): Promise<Outcome> {
  const { event } = pipeline;
  if (event.kind === "none") {
    await desk.tell({ status: "none" });
    return { value: { status: "none", why: event.why }, text: plain(`nothing to do: ${event.why}`) };
  }
  const output = resolve(context.folder, options.output);
  const verdict = startOf(pipeline, options);
  await inquire(context, pipeline, desk, { ...options, output }, verdict);
  const markdown = verdictMarkdown(verdict);
  await writeFile(join(output, "summary.md"), `${markdown}\n`);
  const noted = options.note && event.kind === "change" ? await note(context, desk, options, markdown) : "";
  await desk.summarize(noted === "" ? markdown : `${markdown}\n\n${noted}`);
  const { status, promotion, release, exit, environment, pages } = verdict;
  await desk.tell({
    ...{ status, environment, promotion: promotion ?? "", release: release ?? "", url: pages.console ?? "" },
    ...{ folder: output, sarif: join(output, "rehearsal.sarif") },
  });
  const { refusal, outside } = verdict;
  const value = { status, environment, promotion, release, refusal, outside, pages, output };
  return { value, text: plain(textOf(verdict)), exit };
}

function startOf({ event, run }: Pipeline, { environment, commit }: ServeOptions): Verdict {
  return {
    environment,
    wanted: event.kind === "release" ? "promotion" : "rehearsal",
    status: "failed",
    ...{ promotion: null, release: null, commit, refusal: null, plans: null, report: null, findings: [] },
    outside: event.kind === "change" ? event.outside : null,
    pages: { run, console: null },
    exit: 1,
  };
}

/** Fills the verdict in, as far as it comes. */
async function inquire(
  context: Context,
  { event, key }: Pipeline,
  desk: Desk,
  options: ServeOptions,
  verdict: Verdict,
): Promise<void> {
  try {
    const { findings } = await lintFolder(context.folder);
    verdict.findings = findings;
    const shown = fromRoot(findings, relative(options.root, context.folder));
    await writeFindings(options.output, shown);
    desk.annotate(event.kind === "change" ? githubText(shown) : "");
    const prepared = await prepareRelease(context.folder);
    verdict.release = prepared.bundle.hash;
    if (verdict.outside !== null) {
      verdict.status = "linted";
      // Which of the findings are about what is pending, nobody here can know: they are told, and fail nothing.
      verdict.exit = 0;
      return;
    }
    const client = await context.client();
    const page = async (id: string) => `${client.url}/console/promotions/${encodeURIComponent(id)}`;
    const found = await promoteInTurn(context, {
      environment: options.environment,
      release: await uploadRelease(context, prepared),
      rehearseOnly: event.kind === "change",
      key: `${key} ${options.environment} ${prepared.bundle.hash.slice(0, 12)}`,
      deadline: performance.now() + options.wait * 60_000,
      page,
    });
    verdict.promotion = found.id;
    verdict.pages.console = await page(found.id);
    verdict.status = found.status;
    verdict.refusal = found.error;
    verdict.plans = plansOf(found);
    verdict.exit = found.status === "waiting" ? EXIT_CODES.waiting : exitOfEnd(found, undefined);
    verdict.report = await keepReport(context, options.output, found.id);
    // The service knows what is pending and how large the tables are.
    if (verdict.report !== null) verdict.findings = verdict.report.findings ?? [];
  } catch (thrown) {
    // What was refused may quote a file's name, and a name may hold a line that reads like a command.
    desk.annotate("");
    verdict.refusal = refusalOf(thrown);
    verdict.exit = exitOf(verdict.refusal);
    await writeFindings(options.output, fromRoot(verdict.findings, relative(options.root, context.folder)));
  }
}

/** Whoever shows findings looks for their files from the checkout's root. */
function fromRoot(findings: readonly Finding[], folder: string): Finding[] {
  const prefix = folder === "" ? "" : `${folder.replaceAll("\\", "/")}/`;
  return findings.map((finding) => ({ ...finding, path: `${prefix}${finding.path}` }));
}

/** A note that cannot be written changes no verdict; what kept it from being written is told beside it. */
async function note(
  { terminal, folder }: Context,
  { board }: Desk,
  { environment, root }: ServeOptions,
  markdown: string,
): Promise<string> {
  if (board === undefined) return "";
  try {
    await stick(board, markOf(environment, relative(root, folder)), markdown);
    return "";
  } catch (error) {
    if (!(error instanceof RehearsalError)) throw error;
    terminal.err(`warning: ${plain(error.message)}`);
    return `The comment was not written: ${error.code}. ${error.hint}.`;
  }
}

function textOf({ environment, status, promotion, refusal, outside }: Verdict): string {
  const said = [
    `${environment}: ${status}${promotion === null ? "" : ` (${promotion})`}`,
    outside ?? "",
    refusal === null ? "" : `${refusal.message}\nhint: ${refusal.hint}\ncode: ${refusal.code}`,
  ];
  return said.filter((line) => line !== "").join("\n");
}
