import { version as packageVersion } from "../../package.json";

/** Set by the build; there is none when the program runs from its source. */
declare const BUILD_COMMIT: string | undefined;

/** As in package.json. */
export const version: string = packageVersion;

/** The commit that the executable was built from, `-dirty` with changes on top; undefined where that is not known. */
export const commit: string | undefined = typeof BUILD_COMMIT === "string" ? BUILD_COMMIT : undefined;
