/**
 * The pattern of one label of a host name, for lower-case text. Beyond RFC 1123 it allows underscores, which Docker Compose
 * has in the names of services and Windows in those of machines.
 */
export const hostLabel = "(?!-)[a-z0-9_-]{1,63}(?<!-)";
