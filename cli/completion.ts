/** `restante completion`: what a shell needs to complete commands and options. */
import { type Command, Option } from "commander";
import { type OutputOptions, printResult, UsageError } from "./output.ts";

const SHELLS = { bash: bashScript, zsh: zshScript, fish: fishScript } as const;

/** Adds the command; what it prints is made from the program itself. */
export function addCompletion(program: Command): void {
  program.command("completion")
    .summary("print a completion script for a shell")
    .description(
      "Prints a script by which the shell completes the commands and options of restante.",
    )
    .argument("<shell>", Object.keys(SHELLS).join(", "))
    .option("--json", "print one JSON document")
    .addHelpText(
      "after",
      '\nExample:\n  eval "$(restante completion bash)"\n  restante completion fish > ~/.config/fish/completions/restante.fish',
    )
    .action(async (shell: string, options: OutputOptions) => {
      const script = Object.entries(SHELLS).find(([name]) => name === shell)
        ?.[1](program);
      if (script === undefined) {
        throw new UsageError(
          `no completion for ${shell}; there is ${
            Object.keys(SHELLS).join(", ")
          }`,
        );
      }
      await printResult(options, { shell, script }, script);
    });
}

/** What can be completed behind a command. */
interface Completable {
  readonly name: string;
  readonly summary: string;
  readonly options: readonly Option[];
}

function completables(program: Command): Completable[] {
  return program.commands.map((command) => ({
    name: command.name(),
    summary: command.summary(),
    options: [...command.options, new Option("--help", "say more")],
  }));
}

/** Words behind an option: its choices, or none to complete files. */
function bashScript(program: Command): string {
  const commands = completables(program);
  const cases = commands.map(({ name, options }) => {
    const flags = options.map(({ long }) => long).join(" ");
    return `    ${name}) words="${flags}" ;;`;
  });
  const choices = commands.flatMap(({ options }) =>
    options.filter(({ argChoices }) => argChoices).map((
      { long, argChoices = [] },
    ) => `    ${long}) words="${argChoices.join(" ")}" ;;`)
  );
  return [
    "_restante() {",
    '  local current="${COMP_WORDS[COMP_CWORD]}" words=""',
    '  local before="${COMP_WORDS[COMP_CWORD - 1]}"',
    '  case "$before" in',
    ...new Set(choices),
    "  esac",
    '  if [ -z "$words" ] && [ "$COMP_CWORD" -eq 1 ]; then',
    `    words="${
      commands.map(({ name }) => name).join(" ")
    } --help --version"`,
    '  elif [ -z "$words" ] && [[ "$current" == -* ]]; then',
    '    case "${COMP_WORDS[1]}" in',
    ...cases,
    "    esac",
    "  fi",
    '  if [ -n "$words" ]; then COMPREPLY=($(compgen -W "$words" -- "$current"))',
    '  else COMPREPLY=($(compgen -f -- "$current")); fi',
    "}",
    "complete -o filenames -F _restante restante",
  ].join("\n");
}

/** zsh runs what is written for bash. */
function zshScript(program: Command): string {
  return `autoload -U +X bashcompinit && bashcompinit\n${bashScript(program)}`;
}

function fishScript(program: Command): string {
  const quoted = (text: string) => `'${text.replaceAll(/['\\]/g, "\\$&")}'`;
  return completables(program).flatMap(({ name, summary, options }) => [
    `complete -c restante -n __fish_use_subcommand -f -a ${name} -d ${
      quoted(summary)
    }`,
    ...options.map(({ long, description, argChoices, required }) =>
      `complete -c restante -n '__fish_seen_subcommand_from ${name}' -l ${
        long?.slice(2)
      } -d ${quoted(description)}${required ? " -r" : ""}${
        argChoices ? ` -a ${quoted(argChoices.join(" "))}` : ""
      }`
    ),
  ]).join("\n");
}
