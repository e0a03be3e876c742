/** Loaded before aws-lambda-ric: answers its request for `rapid-client.node` with the same three calls, written in JavaScript. */
import { registerHooks } from "node:module";

/** As rapid-client.cc: `next` waits, `done` and `error` return when what they told has been taken. */
const CLIENT = `
const { request, Agent } = require("node:http");
const agent = new Agent({ keepAlive: true, maxSockets: 1 });
const base = "http://" + process.env.AWS_LAMBDA_RUNTIME_API + "/2018-06-01/runtime/invocation/";
let told = Promise.resolve();
function call(method, path, body, headers = {}) {
  return new Promise((resolve, reject) => {
    const length = body === undefined ? {} : { "content-type": "application/json", "content-length": Buffer.byteLength(body) };
    const sent = request(base + path, { method, agent, headers: { ...length, ...headers } }, (response) => {
      const chunks = [];
      response.on("data", (chunk) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () => resolve({ headers: response.headers, bodyJson: Buffer.concat(chunks).toString("utf8") }));
    });
    sent.on("error", reject).end(body);
  });
}
const tell = (path, body, headers) => {
  told = told.then(() => call("POST", path, body, headers));
};
exports.next = () => told.then(() => call("GET", "next"));
exports.done = (id, body) => tell(id + "/response", body);
exports.error = (id, body, xray) => tell(id + "/error", body, { "lambda-runtime-function-xray-error-cause": xray });
`;

registerHooks({
  resolve: (specifier, context, nextResolve) =>
    specifier.endsWith("/rapid-client.node")
      ? { url: "rehearsal:rapid-client", format: "commonjs", shortCircuit: true }
      : nextResolve(specifier, context),
  load: (url, context, nextLoad) =>
    url === "rehearsal:rapid-client"
      ? { source: CLIENT, format: "commonjs", shortCircuit: true }
      : nextLoad(url, context),
});
