/** Queries of which everybody would read the same. */

/** Each name once; nothing that is encoded. */
const PLAIN = /^(?:[A-Za-z]{1,20}=[A-Za-z0-9]{1,20}(?:&(?!$)|$)){0,4}$/;
/** Queries that are remembered: askers write few different ones. */
const MOST = 100;

/**
 * Reads queries that are plain and right, each once; for all others it gives
 * null, and they are read as any.
 */
export function plainQueries<Read>(
  read: (query: Readonly<Record<string, string>>) => Read | undefined,
): (text: string) => Read | null {
  const known = new Map<string, Read>();
  return (text) => {
    const before = known.get(text);
    if (before !== undefined) return before;
    if (!PLAIN.test(text)) return null;
    const pairs = text === ""
      ? []
      : text.split("&").map((pair) => pair.split("=") as [string, string]);
    const query = Object.fromEntries(pairs);
    if (Object.keys(query).length < pairs.length) return null;
    const value = read(query);
    if (value === undefined) return null;
    if (known.size >= MOST) known.clear();
    known.set(text, value);
    return value;
  };
}
