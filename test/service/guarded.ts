/**
 * Loaded in every sandbox of a service under test, before anything else. Where permissions are enforced, the SDK is given the
 * function's name to tell with each request, and the addresses of the guard that stands in front of the services.
 */
const { REHEARSAL_TEST_GUARD: guard, AWS_LAMBDA_FUNCTION_NAME: name = "" } = process.env;
if (guard !== undefined)
  Object.assign(process.env, JSON.parse(guard) as Record<string, string>, {
    // Of a version that was published, the function's name is what stands before its number.
    AWS_SDK_UA_APP_ID: name.split(":")[0],
  });
