/** The page around every view of the console: landmarks, the way around, who is signed in, and light or dark. */
import { html } from "hono/html";
import { csrfField, type Html } from "./form.ts";
import { icon, MARK } from "./icon.ts";

export type Theme = "light" | "dark" | "system";

/** The addresses of the sheet and the script, which carry the hash of what is behind them. */
interface Assets {
  style: string;
  script: string;
}

export interface Place {
  href: string;
  label: string;
}

interface Page {
  /** What the page is about; the window's title has the product's name behind it. */
  title: string;
  /** Who is signed in; undefined where nobody is. */
  person?: string | undefined;
  /** The path that is shown, with its query: the way around marks its place, and the switch of the theme comes back to it. */
  path: string;
  /** The form's secret of this session; empty where nobody is signed in. */
  csrf: string;
  /** Everything in <main>, its <h1> included. */
  main: Html;
  /** Seconds after which the page is loaded again where no script runs. */
  refresh?: number | undefined;
  /** Where this person may go; nothing where nobody is signed in. */
  places?: readonly Place[];
  theme?: Theme;
  assets: Assets;
}

/** The whole document. */
export function layout(page: Page): Html {
  const { title, path, csrf, main, refresh, theme = "system", assets } = page;
  return html`<!doctype html>
<html lang="en" data-theme="${theme}">
<head>
<meta charset="utf-8">
<title>${title} · Rehearsal</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="${theme === "system" ? "light dark" : theme}">
<link rel="icon" href="${ICON}">
<link rel="stylesheet" href="${assets.style}">
${refresh === undefined ? "" : html`<noscript><meta http-equiv="refresh" content="${refresh}"></noscript>`}
<script type="module" src="${assets.script}"></script>
</head>
<body>
<a class="skip" href="#main">Skip to the content</a>
<header class="top">
<a class="brand" href="/console">${MARK}<span>Rehearsal</span></a>
${wayAround(page)}
<div class="me">${themeSwitch(theme, path, csrf)}${signedIn(page)}</div>
</header>
<main id="main" tabindex="-1">
${main}
</main>
</body>
</html>
`;
}

function wayAround({ places = [], path }: Page) {
  if (places.length === 0) return "";
  const [here = ""] = path.split("?");
  return html`<nav class="places" aria-label="Main"><ul>${places.map(({ href, label }) => {
    const current = href === here ? "page" : href !== "/console" && here.startsWith(`${href}/`) ? "true" : "";
    return html`<li><a href="${href}"${current === "" ? "" : html` aria-current="${current}"`}>${label}</a></li>`;
  })}</ul></nav>`;
}

function signedIn({ person, csrf }: Page) {
  if (person === undefined) return "";
  return html`<form class="person" method="post" action="/console/sign-out">${csrfField(csrf)}
<span class="who">${icon("person")}<span class="unseen">Signed in as </span><span>${person}</span></span>
<button class="plain" type="submit">Sign out</button></form>`;
}

const THEMES = [
  { value: "light", label: "Light", shape: "sun" },
  { value: "dark", label: "Dark", shape: "moon" },
  { value: "system", label: "As the system has it", shape: "screen" },
] as const;

/** Three buttons of one form, so that it works without a script. */
function themeSwitch(theme: Theme, path: string, csrf: string) {
  return html`<form class="themes" method="post" action="/console/theme">${csrfField(csrf)}
<input type="hidden" name="next" value="${path}">
<fieldset><legend class="unseen">Colours</legend>${THEMES.map(
    ({ value, label, shape }) =>
      html`<button type="submit" name="theme" value="${value}" aria-pressed="${String(theme === value)}" title="${label}">${icon(shape)}<span class="unseen">${label}</span></button>`,
  )}</fieldset></form>`;
}

/** A curtain half drawn, as an address that the policy on content allows. */
const ICON = `data:image/svg+xml,${encodeURIComponent(
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"><rect width="24" height="24" rx="5" fill="#0b5fa5"/><path d="M5 6h14M7 6v12M17 6v12M7 12c3 0 5-2 5-6 0 4 2 6 5 6" fill="none" stroke="#fff" stroke-width="2" stroke-linecap="round"/></svg>',
)}`;
