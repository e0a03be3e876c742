/** A real Chromium without a window, for the pictures of the console and for the tests that look at it. */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { type Browser, chromium, type LaunchOptions } from "playwright-core";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

const MEND =
  "install Google Chrome or Chromium, or name one: REHEARSAL_BROWSER=/path/to/chrome (on Linux with x64 one comes from the npm registry)";

/**
 * The browser that the npm registry has for Linux on x64; elsewhere one that is installed; in any case the one that
 * REHEARSAL_BROWSER names. It keeps everything in `folder`, speaks to nobody but the pages it is led to, and ends with
 * this process. Throws with the mend where there is none.
 */
export async function openBrowser(folder: string): Promise<Browser> {
  await mkdir(folder, { recursive: true });
  // Its profile and what the driver keeps for it: both go by this variable.
  process.env.TMPDIR = folder;
  const failures: string[] = [];
  for (const options of await candidates(folder)) {
    try {
      return await chromium.launch({ headless: true, args: [...QUIET], ...options });
    } catch (error) {
      failures.push(error instanceof Error ? error.message : String(error));
    }
  }
  throw new Error(`no Chromium starts: ${MEND}\n${failures.join("\n")}`);
}

/** On top of what the driver gives it, which keeps background networking and updates out. */
const QUIET: readonly string[] = [
  "--no-sandbox",
  "--no-zygote",
  "--disable-gpu",
  "--disable-dev-shm-usage",
  "--disable-domain-reliability",
  "--no-pings",
  "--font-render-hinting=none",
];

async function candidates(folder: string): Promise<LaunchOptions[]> {
  const { REHEARSAL_BROWSER: named } = process.env;
  if (named) return [{ executablePath: named }];
  if (process.platform !== "linux" || process.arch !== "x64")
    return [{ channel: "chrome" }, { channel: "chromium" }, { channel: "msedge" }];
  const unpacked = await unpack();
  return [
    {
      executablePath: join(unpacked, "chromium"),
      env: {
        ...process.env,
        HOME: folder,
        LD_LIBRARY_PATH: join(unpacked, "al2023/lib"),
        FONTCONFIG_FILE: join(unpacked, "fonts.conf"),
      },
    },
  ];
}

/** Unpacks it once for all runs, with the libraries that it needs; returns the folder. */
async function unpack(): Promise<string> {
  const { version } = JSON.parse(
    await readFile(join(ROOT, "node_modules/@sparticuz/chromium/package.json"), "utf8"),
  ) as { version: string };
  const folder = join(ROOT, ".rehearsal", `chromium-${version}`);
  if (existsSync(folder)) return folder;
  await mkdir(join(ROOT, ".rehearsal"), { recursive: true });
  const beside = await mkdtemp(`${folder}.`);
  try {
    // It unpacks to where temporary files go, and its own libraries only where it believes to be in Lambda.
    const script = 'await (await import("@sparticuz/chromium")).default.executablePath()';
    await promisify(execFile)(process.execPath, ["--input-type=module", "--eval", script], {
      cwd: ROOT,
      env: { ...process.env, TMPDIR: beside, AWS_LAMBDA_JS_RUNTIME: "nodejs24.x" },
    });
    await writeFile(join(beside, "fonts.conf"), fonts(folder));
    await rename(beside, folder);
  } catch (error) {
    // Somebody else was faster, and theirs is as good.
    if (!existsSync(folder)) throw error;
  } finally {
    await rm(beside, { recursive: true, force: true });
  }
  return folder;
}

/** Its own font before those of the machine, so that pictures are the same wherever they are made. */
function fonts(folder: string): string {
  const alias = (family: string, ...prefer: string[]) =>
    `<alias binding="same"><family>${family}</family><prefer>${prefer.map((name) => `<family>${name}</family>`).join("")}</prefer></alias>`;
  return `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
<dir>${join(folder, "fonts")}</dir>
<dir>/usr/share/fonts</dir>
<cachedir>${join(folder, "fonts-cache")}</cachedir>
${alias("system-ui", "Open Sans")}
${alias("sans-serif", "Open Sans")}
${alias("monospace", "DejaVu Sans Mono", "Liberation Mono", "Noto Sans Mono")}
</fontconfig>
`;
}
