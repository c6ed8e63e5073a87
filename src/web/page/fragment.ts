/** The parts of an address's fragment, such as `#/user/{id}?a=b`. */
export interface Fragment {
  /** The name of a route; empty for the feed. */
  readonly name: string;
  readonly id: string;
  readonly parameters: URLSearchParams;
}

/** Splits a fragment. One with more parts than any route has keeps them all in its name, which then matches no route. */
export function parseFragment(hash: string): Fragment {
  const [path = "", query] = hash.replace(/^#\/?/, "").split("?");
  const [name = "", id = "", ...rest] = path.split("/");
  return { name: rest.length > 0 ? path : name, id: decode(id), parameters: new URLSearchParams(query) };
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
