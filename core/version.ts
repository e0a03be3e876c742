/** Which version this is: of the command, and of the service. */

/** As package.json has it. */
export const VERSION = "0.1.0";
