/** Options of commands as data: tables that are looped into a command, and their values' types, derived from them. */

import { Help, Option, type Command, type OptionValues } from "@commander-js/extra-typings";

/** One option. In a table it stands under the name that commander gives its value. */
export interface OptionData {
  /** As commander writes it: `-m, --model <model>`. */
  readonly flag: string;
  readonly help: string;
  /** What the short help says, `true` for the same; without it the option is in `--help-all` only. */
  readonly short?: string | true;
  readonly choices?: readonly string[];
  /** Text of the command line -> value; given what came before, the option may be repeated. */
  readonly read?: (text: string, before: never) => unknown;
  readonly default?: unknown;
  readonly isRequired?: true;
  /** Whether it is about pictures, and senseless with texts. */
  readonly isOfPictures?: true;
  /** Heading that it stands below in the help. */
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
type Certain =
  | { readonly default: unknown }
  | { readonly isRequired: true }
  | { readonly flag: `--no-${string}` };

type CertainOf<Table> = { [Name in keyof Table]: Table[Name] extends Certain ? Name : never }[keyof Table];

/** What commander reads from the options of a table. */
export type ValuesOf<Table> = { [Name in CertainOf<Table>]: ValueOf<Table[Name]> } & {
  [Name in Exclude<keyof Table, CertainOf<Table>>]?: ValueOf<Table[Name]>;
};

/** The table's options below a heading of their own. */
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

/** The option without its value: `--model`. */
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

/** What stands behind the options in the help. */
export interface HelpEnds {
  readonly short: string;
  readonly all: string;
}

/** Gives a command a help of one screen, and `--help-all`, all options in groups. */
export function addHelp<Args extends unknown[], Values extends OptionValues>(
  command: Command<Args, Values>,
  table: OptionTable,
  ends: HelpEnds,
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
    // All stay visible elsewhere: what is mistyped is compared with them.
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
