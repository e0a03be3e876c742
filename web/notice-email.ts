/** A notice as a mail: one column, the words first, in any client and without a picture. */
import { html } from "hono/html";
import type { Notice } from "../core/notice.ts";

/** The mail's HTML; everything in it is escaped. */
export function noticeEmail({ title, sentence, act, quoted, url }: Notice): string {
  const part = (text: string | undefined) => (text === undefined ? "" : html`<p>${text}</p>`);
  const page = html`<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${title}</title></head>
<body style="margin:0;padding:24px;font:16px/1.5 system-ui,sans-serif">
<div style="max-width:36em">
<h1 style="font-size:20px">${title}</h1>
${part(sentence)}${
  quoted === undefined
    ? ""
    : html`<pre style="white-space:pre-wrap;overflow-wrap:anywhere;border-left:3px solid #999;padding-left:12px;font-size:14px">${quoted}</pre>`
}
${part(act)}${url === undefined ? "" : html`<p><a href="${url}">Open it in the console</a></p>`}
</div>
</body>
</html>`;
  return page.toString();
}
