/** Methods that a path does not have: 405, and those that it has. */
import type { Hono, NotFoundHandler } from "hono";
import { Problem } from "../lib/problem.ts";
import type { Relay } from "../relay/relay.ts";
import { askedOf } from "./asked.ts";
import { problemResponse } from "./problem.ts";

/** Gives the methods that a path has; none, if there is nothing. */
export type AllowedMethods = (path: string) => readonly string[];

/** The methods of an app's routes as they are now. */
export function allowedMethods(
  { routes }: { readonly routes: Hono["routes"] },
): AllowedMethods {
  const paths = new Map<string, { form: RegExp; methods: Set<string> }>();
  for (const { method, path } of routes) {
    if (method === "ALL") continue; // goes before routes, and is none
    const { methods } = paths.get(path) ??
      paths.set(path, { form: formOf(path), methods: new Set() }).get(path) ??
      { methods: new Set() };
    methods.add(method);
  }
  return (path) => {
    const allowed = new Set<string>();
    for (const { form, methods } of paths.values()) {
      if (!form.test(path)) continue;
      for (const method of methods) allowed.add(method);
    }
    if (allowed.size === 0) return [];
    if (allowed.has("GET")) allowed.add("HEAD");
    return [...allowed.add("OPTIONS")].sort();
  };
}

/** Answers what no route does. */
export function answerUnknown(
  relay: Relay,
  allowed: AllowedMethods,
): NotFoundHandler {
  return (c) => {
    const { method, path } = c.req;
    const methods = allowed(path);
    if (methods.length === 0 || methods.includes(method)) {
      const detail = `there is no ${method} ${path}`;
      return problemResponse(
        askedOf(c),
        relay,
        new Problem("not-found", detail),
      );
    }
    const allow = methods.join(", ");
    const detail = `${path} has no method ${method}, but ${allow}`;
    const problem = new Problem("method-not-allowed", detail);
    const response = problemResponse(askedOf(c), relay, problem);
    response.headers.set("Allow", allow);
    return response;
  };
}

/** What a route's path matches. */
function formOf(path: string): RegExp {
  const parts = path.split("/").map((part) =>
    part.startsWith(":") ? "[^/]+" : RegExp.escape(part)
  );
  return new RegExp(`^${parts.join("/")}$`);
}
