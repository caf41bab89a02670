/** The version of restante. */
import configuration from "../deno.json" with { type: "json" };

/** As in deno.json: `major.minor.patch`. */
export const VERSION: string = configuration.version;
