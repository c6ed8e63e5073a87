/** Files of more bytes are sent as resumable uploads, which survive a lost connection and a reload of the page. */
export const resumableFromBytes = 5 * 1024 ** 2;
