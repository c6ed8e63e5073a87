import { version as packageVersion } from "../package.json";

/** Set by the build; undefined when the program runs from its source. */
declare const BUILD_COMMIT: string | undefined;

/** The version in package.json. */
export const version: string = packageVersion;

/** The commit of the executable, with `-dirty` if there were uncommitted changes; undefined if not known. */
export const commit: string | undefined = typeof BUILD_COMMIT === "string" ? BUILD_COMMIT : undefined;
