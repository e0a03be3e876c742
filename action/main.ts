/** The Action's entry point: its inputs become the words and variables of `rehearsal ci github`, whose exit code is the check. Node strips the types itself, so nothing is built. */
import { spawn } from "node:child_process";
import { constants } from "node:os";
import { resolve } from "node:path";

/** As the runner hands it in: https://docs.github.com/en/actions/reference/workflows-and-actions/metadata-syntax#inputs */
function input(name: string): string {
  return (process.env[`INPUT_${name.toUpperCase()}`] ?? "").trim();
}

const [command = "npx", ...words] = input("command").split(/\s+/);
const option = (name: string) => (input(name) === "" ? [] : [`--${name}=${input(name)}`]);
const given = (name: string, value: string) => (value === "" ? {} : { [name]: value });

/** Windows has no groups of processes, and nothing to ask one to end by. */
const grouped = process.platform !== "win32";

const child = spawn(
  command,
  [
    ...[...words, "ci", "github"],
    ...["environment", "release-branch", "output", "wait"].flatMap(option),
    ...(input("comment") === "false" ? ["--no-note"] : []),
  ],
  {
    cwd: resolve(process.env.GITHUB_WORKSPACE || ".", input("working-directory")),
    stdio: ["ignore", "inherit", "inherit"],
    detached: grouped,
    env: {
      ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("INPUT_"))),
      ...given("REHEARSAL_URL", input("url")),
      ...given("REHEARSAL_KEY", input("key")),
      ...given("REHEARSAL_AUDIENCE", input("audience")),
      ...given("GITHUB_TOKEN", input("github-token")),
    },
  },
);
/** To all that stands between us and the command as well: npx hands no signal on. False when nobody is left. */
function tell(signal: NodeJS.Signals | 0): boolean {
  if (child.pid === undefined) return false;
  if (!grouped) return child.kill(signal);
  try {
    return process.kill(-child.pid, signal);
  } catch {
    // None of them is there any more.
    return false;
  }
}

let stopped = false;
for (const signal of ["SIGINT", "SIGTERM"] as const)
  process.on(signal, () => {
    stopped = true;
    tell(signal);
  });
child.on("error", ({ message }) => {
  console.error(`error: "${command}" cannot be run: ${message}`);
  process.exitCode = 1;
});
child.on("exit", (code, signal) => {
  // As shells count deaths by a signal.
  process.exitCode = signal === null ? (code ?? 1) : 128 + constants.signals[signal];
  // npx does not wait for the command that is taking its rehearsal back, and the runner ends whatever outlives us.
  if (!stopped || !grouped) return;
  const looking = setInterval(() => {
    if (!tell(0)) clearInterval(looking);
  }, 50);
});
