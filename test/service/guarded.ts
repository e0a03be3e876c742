/**
 * Loaded in every sandbox and container of a service under test, before anything else. Where permissions are enforced, the function
 * finds AWS's services behind its own doors of the guard.
 */
const { REHEARSAL_TEST_GUARD: guard, AWS_LAMBDA_FUNCTION_NAME: name = "container" } = process.env;
if (guard !== undefined) {
  const endpoints = JSON.parse(guard) as Record<string, Record<string, string>>;
  // Of a version that was published, the function's name is what stands before its number.
  Object.assign(process.env, endpoints[name.split(":")[0] ?? ""]);
}
