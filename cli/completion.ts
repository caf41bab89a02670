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
  /** Commands of its own. */
  readonly subcommands: readonly Completable[];
}

function completables(program: Command): Completable[] {
  return program.commands.map((command) => ({
    name: command.name(),
    summary: command.summary() || command.description(),
    options: [...command.options, new Option("--help", "say more")],
    subcommands: completables(command),
  }));
}

/** Words behind an option: its choices, or none to complete files. */
function bashScript(program: Command): string {
  const commands = completables(program);
  const all = commands.flatMap((one) => [one, ...one.subcommands]);
  const flagsOf = ({ options }: Completable) =>
    options.map(({ long }) => long).join(" ");
  const namesOf = (some: readonly Completable[]) =>
    some.map(({ name }) => name).join(" ");
  // The longer come first: of a subcommand it is its own options.
  const cases = commands.flatMap((command) => [
    ...command.subcommands.map((one) =>
      `    "${command.name} ${one.name}") words="${flagsOf(one)}" ;;`
    ),
    `    "${command.name} "*) words="${flagsOf(command)}" ;;`,
  ]);
  const groups = commands.filter(({ subcommands }) => subcommands.length > 0)
    .map(({ name, subcommands }) =>
      `    ${name}) words="${namesOf(subcommands)}" ;;`
    );
  const choices = all.flatMap(({ options }) =>
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
    `    words="${namesOf(commands)} --help --version"`,
    '  elif [ -z "$words" ] && [[ "$current" == -* ]]; then',
    '    case "${COMP_WORDS[1]} ${COMP_WORDS[2]}" in',
    ...cases,
    "    esac",
    '  elif [ -z "$words" ] && [ "$COMP_CWORD" -eq 2 ]; then',
    '    case "${COMP_WORDS[1]}" in',
    ...groups,
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

const seen = (names: string) => `__fish_seen_subcommand_from ${names}`;

function fishScript(program: Command): string {
  return completables(program).flatMap((command) => {
    const { name, subcommands } = command;
    const names = subcommands.map((one) => one.name).join(" ");
    return [
      ...fishCommand(command, "__fish_use_subcommand", seen(name)),
      ...subcommands.flatMap((one) =>
        fishCommand(
          one,
          `${seen(name)}; and not ${seen(names)}`,
          `${seen(name)}; and ${seen(one.name)}`,
        )
      ),
    ];
  }).join("\n");
}

/** A command where it may stand, and its options behind it. */
function fishCommand(
  { name, summary, options }: Completable,
  where: string,
  behind: string,
): string[] {
  const quoted = (text: string) => `'${text.replaceAll(/['\\]/g, "\\$&")}'`;
  return [
    `complete -c restante -n '${where}' -f -a ${name} -d ${quoted(summary)}`,
    ...options.map(({ long, description, argChoices, required }) =>
      `complete -c restante -n '${behind}' -l ${long?.slice(2)} -d ${
        quoted(description)
      }${required ? " -r" : ""}${
        argChoices ? ` -a ${quoted(argChoices.join(" "))}` : ""
      }`
    ),
  ];
}
