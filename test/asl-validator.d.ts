/** The npm package asl-validator publishes no types; this is what of it is used. */
declare module "asl-validator" {
  interface Verdict {
    isValid: boolean;
    errors: { Message?: string; "Error code"?: string }[];
  }

  /** Holds a definition (parsed JSON) to the schemas of States Language, JSONata included. */
  function validate(definition: object, options?: { checkPaths?: boolean; checkArn?: boolean }): Verdict;
  export = validate;
}
