/** Runs jobs as their runners would: the Action's entry point with inputs and a recorded event, and the script of the GitLab template. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parse } from "yaml";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
/** What runs the command from its sources. */
export const COMMAND = `${process.execPath} ${join(ROOT, "bin/rehearsal.js")}`;

export interface Ran {
  exit: number | null;
  out: string;
  err: string;
  summary: string;
  outputs: Record<string, string>;
  folder: string;
  /** A file of the report's folder. */
  read(name: string): Promise<string>;
}

export interface Job {
  files: Record<string, string>;
  /** The recorded event's name, and the fixture that holds it. */
  event: string;
  payload: string;
  inputs: Record<string, string>;
  variables: Record<string, string>;
  /** Called with standard error so far, whenever there is more. */
  onError?: (text: string, child: ChildProcess) => void;
}

const folders: string[] = [];

export async function removeFolders(): Promise<void> {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
}

async function checkOut(files: Record<string, string>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "rehearsal-job-"));
  folders.push(folder);
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
  return folder;
}

/** The Action, on a pull request or a push. */
export async function runAction({ files, event, payload, inputs, variables, onError }: Job): Promise<Ran> {
  const folder = await checkOut(files);
  const extra = await checkOut({ "summary.md": "", "output.txt": "" });
  const given = Object.entries({ "working-directory": ".", wait: "2", command: COMMAND, ...inputs });
  const ran = await run(
    process.execPath,
    [join(ROOT, "action/main.ts")],
    folder,
    {
      ...Object.fromEntries(given.map(([name, value]) => [`INPUT_${name.toUpperCase()}`, value])),
      CI: "true",
      GITHUB_ACTIONS: "true",
      GITHUB_ACTOR: "video-writer",
      GITHUB_EVENT_NAME: event,
      GITHUB_EVENT_PATH: join(import.meta.dirname, "fixtures", payload),
      GITHUB_OUTPUT: join(extra, "output.txt"),
      GITHUB_REPOSITORY: "video-org/videos",
      GITHUB_RUN_ATTEMPT: "1",
      GITHUB_RUN_ID: String(++runs),
      GITHUB_SERVER_URL: "https://github.com",
      GITHUB_SHA: "c0ffee5ec09d4a7b8e9f00112233445566778899",
      GITHUB_STEP_SUMMARY: join(extra, "summary.md"),
      GITHUB_WORKSPACE: folder,
      ...variables,
    },
    onError,
  );
  const lines = (await readFile(join(extra, "output.txt"), "utf8")).trim().split("\n");
  return {
    ...ran,
    folder,
    summary: await readFile(join(extra, "summary.md"), "utf8"),
    outputs: Object.fromEntries(lines.map((line) => line.split(/=(.*)/s).slice(0, 2) as [string, string])),
    read: (name) => readFile(join(folder, "rehearsal-report", name), "utf8"),
  };
}

let runs = 0;

type Template = Record<string, { script: string[]; variables: Record<string, string> }>;

/** The script that both jobs share in the GitLab template, with its inputs in place. */
export async function runGitlab({ files, inputs, variables }: Pick<Job, "files" | "inputs" | "variables">) {
  const folder = await checkOut(files);
  const text = await readFile(join(ROOT, "action/gitlab.yml"), "utf8");
  const [head, body] = text.split(/^---$/m);
  const { spec } = parse(head ?? "") as { spec: { inputs: Record<string, { default?: string }> } };
  const values: Record<string, string | undefined> = {
    ...Object.fromEntries(Object.entries(spec.inputs).map(([name, one]) => [name, one.default])),
    command: COMMAND,
    ...inputs,
  };
  const filled = (body ?? "").replaceAll(/\$\[\[ inputs\.([a-z-]+) \]\]/g, (_, name: string) => {
    const value = values[name];
    if (value === undefined) throw new Error(`no input "${name}"`);
    return value;
  });
  const job = (parse(filled) as Template)[`.rehearsal-${inputs.environment}`];
  if (job === undefined) throw new Error("the template has no such job");
  const ran = await run("sh", ["-e", "-c", job.script.join("\n")], folder, {
    CI: "true",
    GITLAB_CI: "true",
    CI_COMMIT_SHA: "c0ffee5ec09d4a7b8e9f00112233445566778899",
    CI_DEFAULT_BRANCH: "main",
    CI_JOB_ID: "31",
    CI_JOB_URL: "https://gitlab.com/video-org/videos/-/jobs/31",
    CI_PROJECT_DIR: folder,
    CI_PROJECT_PATH: "video-org/videos",
    ...job.variables,
    ...variables,
  });
  return { ...ran, folder, read: (name: string) => readFile(join(folder, "rehearsal-report", name), "utf8") };
}

function run(
  command: string,
  words: string[],
  cwd: string,
  variables: Record<string, string>,
  onError: (text: string, child: ChildProcess) => void = () => undefined,
) {
  const child = spawn(command, words, {
    cwd,
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...variables },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let [out, err] = ["", ""];
  child.stdout.on("data", (piece: Buffer) => {
    out += piece.toString();
  });
  child.stderr.on("data", (piece: Buffer) => {
    err += piece.toString();
    onError(err, child);
  });
  return new Promise<{ exit: number | null; out: string; err: string }>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (exit) => resolve({ exit, out, err }));
  });
}
