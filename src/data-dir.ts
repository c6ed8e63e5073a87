/** The names of the files and folders inside `DATA_DIR`. A backup uses the same names, except for the last two. */
export const databaseFile = "image-sharing.db";
export const secretFile = "jwt-secret";
export const mediaFolder = "media";
export const tempFolder = "tmp";
export const uploadsFolder = "uploads";
