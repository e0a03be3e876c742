/** The console's one script, as text: what the page does where scripts run; every page works without it. */

export const LIVE = `
// A second press of a button sends nothing: the first is on its way.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.dataset.sent) event.preventDefault();
  else form.dataset.sent = "yes";
});
// Whoever comes back by the browser's own history finds the form as it was.
addEventListener("pageshow", () => {
  for (const form of document.forms) delete form.dataset.sent;
});
`;
