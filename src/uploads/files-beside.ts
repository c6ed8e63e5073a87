// Not in preparation.ts, which loads the removal of metadata and the decoders: only media workers need those.

/** Returns the path of the thumbnail of a staged file. */
export const thumbnailPath = (path: string): string => `${path}.thumb`;

/** Returns the path of the display size of a staged file. */
export const displayPath = (path: string): string => `${path}.display`;

/** Returns every file that may exist next to a staged one, even after its preparation was killed. */
export const filesBeside = (path: string): string[] => [thumbnailPath(path), `${path}.clean`];
