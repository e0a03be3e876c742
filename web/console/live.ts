/**
 * The console's one script, as the text that a browser gets: it keeps a promotion's page as it is at the service. It changes
 * what has changed and nothing else, so that the focus, what is open, what is half typed and the place on the page stay.
 * Of other pages it asks anew, every so many seconds, for the part that says so (`current.ts`). Without the script every page works as well.
 */
export const LIVE = `
const root = document.getElementById("promotion");
if (root) keepLive(root);
const current = document.getElementById("current");
if (current) void keepCurrent(current);

async function keepCurrent(current) {
  for (;;) {
    await pause(1000 * Number(current.dataset.again));
    if (document.hidden) continue;
    try {
      const answer = await fetch(location.pathname + location.search, {
        headers: { accept: "text/html" },
        signal: AbortSignal.timeout(20000),
        redirect: "manual",
      });
      if (answer.status === 401 || answer.status === 403 || answer.status === 404) return;
      if (!answer.ok) continue;
      const next = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("current");
      if (next) morph(current, next);
    } catch {
      // The service does not answer: what stands here says since when it is so, and the next look is soon.
    }
  }
}

function keepLive(root) {
  const away = document.getElementById("away");
  const said = document.getElementById("said");
  const ticking = setInterval(tick, 1000);
  let tries = 0;
  let stopped = false;
  tick();
  if ("over" in root.dataset) return stop();
  void follow();

  async function follow() {
    while (!stopped) {
      const began = Date.now();
      let rest = 1000;
      try {
        rest = await look();
        tries = 0;
      } catch {
        tries += 1;
        const seconds = Math.min(10, 2 ** tries);
        tell("The service does not answer; trying again in " + seconds + " seconds.", tries === 1);
        await pause(seconds * 1000);
        continue;
      }
      // A busy step changes twice a second; nobody reads faster than once.
      await pause(Math.max(0, rest - (Date.now() - began)));
    }
  }

  async function look() {
    const report = document.getElementById("report");
    // A service that was away is asked for its answer now, not for news: it would wait for some, and be thought away still.
    const query = new URLSearchParams(tries > 0 ? {} : { since: root.dataset.version });
    if (report) query.set("report", report.dataset.report);
    const answer = await fetch(root.dataset.live + "?" + query, {
      headers: { accept: "text/html" },
      signal: AbortSignal.timeout(40000),
      redirect: "manual",
    });
    if (answer.status === 401 || answer.status === 403 || answer.status === 404 || answer.type === "opaqueredirect") {
      tell("You are no longer signed in; load the page again to go on.", true);
      stop();
      return 0;
    }
    if (answer.status !== 200 && answer.status !== 204) throw new Error(String(answer.status));
    const text = answer.status === 200 ? await answer.text() : "";
    if (!away.hidden) {
      away.hidden = true;
      speak("The service answers again.");
    }
    // Where too many wait at once, the service says when to come again.
    const rest = 1000 * Math.max(1, Number(answer.headers.get("retry-after")));
    if (text === "") return rest;
    const next = new DOMParser().parseFromString(text, "text/html").getElementById("promotion");
    if (!next) throw new Error("no promotion");
    const says = root.dataset.says;
    morph(root, next);
    if (root.dataset.says !== says) speak(root.dataset.says);
    document.title = root.dataset.title + " · Rehearsal";
    tick();
    if ("over" in root.dataset) stop();
    return rest;
  }

  function tell(words, aloud) {
    away.textContent = words;
    away.hidden = false;
    if (aloud) speak(words);
  }

  function speak(words) {
    said.textContent = words;
  }

  function stop() {
    stopped = true;
    clearInterval(ticking);
  }
}

/** What runs counts on between two looks; by the service's clock, from which the browser's may differ. */
function tick() {
  for (const element of document.querySelectorAll("[data-since]")) {
    element.heard ??= Date.now() - Date.parse(element.dataset.now);
    const seconds = Math.max(0, Math.floor((Date.now() - element.heard - Date.parse(element.dataset.since)) / 1000));
    element.textContent = seconds < 60 ? seconds + " s" : Math.floor(seconds / 60) + " min " + (seconds % 60) + " s";
  }
}

/** Makes one element as the other, and keeps every node that may stay. */
function morph(old, young) {
  if ("same" in young.dataset) return;
  if (old.isEqualNode(young)) return;
  attributes(old, young);
  // What somebody typed is theirs.
  if (old.matches("input, textarea, select")) return;
  children(old, young);
}

function attributes(old, young) {
  for (const { name, value } of [...young.attributes])
    if (old.getAttribute(name) !== value && !(old.tagName === "DETAILS" && name === "open")) old.setAttribute(name, value);
  for (const { name } of [...old.attributes])
    if (!young.hasAttribute(name) && !(old.tagName === "DETAILS" && name === "open")) old.removeAttribute(name);
}

function children(old, young) {
  const named = new Map();
  for (const child of old.children) if (child.id) named.set(child.id, child);
  let at = old.firstChild;
  for (const wanted of [...young.childNodes]) {
    const known = wanted.id ? named.get(wanted.id) : undefined;
    if (known) {
      while (at && at !== known && !(at.id && young.querySelector(":scope > #" + CSS.escape(at.id)))) at = drop(at);
      if (at === known) at = known.nextSibling;
      else old.insertBefore(known, at);
      morph(known, wanted);
    } else if (at && fits(at, wanted)) {
      const next = at.nextSibling;
      if (at.nodeType === Node.ELEMENT_NODE) morph(at, wanted);
      else if (at.data !== wanted.data) at.data = wanted.data;
      at = next;
    } else {
      old.insertBefore(document.importNode(wanted, true), at);
    }
  }
  while (at) at = drop(at);
}

/** Nodes without a name of their own stand for one another by their place. */
function fits(one, other) {
  return one.nodeType === other.nodeType && one.nodeName === other.nodeName && !one.id && !other.id && one.dataset?.now === other.dataset?.now;
}

function drop(node) {
  const next = node.nextSibling;
  // Whoever stands on what goes away goes on at the beginning of the content.
  if (node.contains(document.activeElement)) document.getElementById("main")?.focus({ preventScroll: true });
  node.remove();
  return next;
}

function pause(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
`;
