/** Options of commands as data, and the types of their values, derived from the tables. */

import { Help, Option, type Command, type OptionValues } from "@commander-js/extra-typings";

/** One option. Its key in the table is commander's name of the value. */
export interface OptionData {
  /** In commander's notation: `-m, --model <model>`. */
  readonly flag: string;
  readonly help: string;
  /** Text of the short help, `true` for the same text; options without it appear in `--help-all` only. */
  readonly short?: string | true;
  readonly choices?: readonly string[];
  /** Parses the value; with a second parameter, the earlier value, the option may be repeated. */
  readonly read?: (text: string, before: never) => unknown;
  readonly default?: unknown;
  readonly isRequired?: true;
  /** Whether it concerns pictures, and does not apply to texts. */
  readonly isOfPictures?: true;
  /** The heading above it in the help. */
  readonly group?: string;
}

/** Options by the names of their values. */
export type OptionTable = Readonly<Record<string, OptionData>>;

type ValueOf<Data> = Data extends { readonly read: (...given: never) => infer Value }
  ? Value
  : Data extends { readonly choices: readonly (infer Choice)[] }
    ? Choice
    : Data extends { readonly flag: `${string}<${string}` }
      ? string
      : Data extends { readonly flag: `--no-${string}` } | { readonly default: boolean }
        ? boolean
        : true;

/** Options that always have a value. */
type AlwaysSet =
  | { readonly default: unknown }
  | { readonly isRequired: true }
  | { readonly flag: `--no-${string}` };

type AlwaysSetOf<Table> = {
  [Name in keyof Table]: Table[Name] extends AlwaysSet ? Name : never;
}[keyof Table];

/** The values that commander reads from a table. */
export type ValuesOf<Table> = { [Name in AlwaysSetOf<Table>]: ValueOf<Table[Name]> } & {
  [Name in Exclude<keyof Table, AlwaysSetOf<Table>>]?: ValueOf<Table[Name]>;
};

/** Puts the table's options below a heading of their own. */
export const inGroup = <const Table extends OptionTable>(group: string, table: Table): Table =>
  Object.fromEntries(Object.entries(table).map(([name, data]) => [name, { ...data, group }])) as Table;

/** A table without some of its options. */
export function without<Table extends OptionTable, Name extends keyof Table>(
  table: Table,
  ...names: readonly Name[]
): Omit<Table, Name> {
  const kept = Object.entries(table).filter(([name]) => !(names as readonly PropertyKey[]).includes(name));
  return Object.fromEntries(kept) as Omit<Table, Name>;
}

/** The long flag without its value: `--model`. */
export const longFlag = ({ flag }: OptionData): string => /--[\w-]+/.exec(flag)?.[0] ?? flag;

/** Adds all options of a table to a command. */
export function addOptions<Args extends unknown[], Table extends OptionTable>(
  command: Command<Args>,
  table: Table,
): Command<Args, ValuesOf<Table>> {
  for (const data of Object.values<OptionData>(table)) {
    const { flag, help, choices, read, isRequired = false, group } = data;
    const option = new Option(flag, help).makeOptionMandatory(isRequired);
    if (choices) option.choices(choices);
    if (read) option.argParser(read as (text: string) => unknown);
    if (data.default !== undefined) option.default(data.default);
    if (group !== undefined) option.helpGroup(group);
    command.addOption(option);
  }
  return command as unknown as Command<Args, ValuesOf<Table>>;
}

/** The texts below the options in the two forms of help. */
export interface HelpFooters {
  readonly short: string;
  readonly all: string;
}

/** Gives a command a one-screen `--help`, and a `--help-all` with all options in groups. */
export function addHelp<Args extends unknown[], Values extends OptionValues>(
  command: Command<Args, Values>,
  table: OptionTable,
  ends: HelpFooters,
): Command<Args, Values> {
  const plain = new Help();
  const shortOf = (option: Option): OptionData["short"] => table[option.attributeName()]?.short;
  const isCommon = (option: Option): boolean =>
    shortOf(option) !== undefined || option.long === "--help" || option.long === allFlag;
  let isAll = false;
  command.configureHelp({
    optionDescription: (option) => {
      const short = shortOf(option);
      return typeof short === "string" ? short : plain.optionDescription(option);
    },
    // Other options stay visible to commander, which suggests them for mistyped ones.
    groupItems: (_all, visible) =>
      new Map([["Options:", visible.filter((each) => !(each instanceof Option) || isCommon(each))]]),
  });
  command.addOption(new Option(allFlag, "display help with all options"));
  command.on(`option:${allFlag.slice(2)}`, () => {
    isAll = true;
    command.configureHelp({}).help();
  });
  command.addHelpText("after", () => `\n${isAll ? ends.all : ends.short}`);
  return command;
}

const allFlag = "--help-all";
