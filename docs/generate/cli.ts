/** docs/reference/cli.md: every command and option, from the program that parses them. */
import type { EventEmitter } from 'node:events';
import type { Command, Option } from 'commander';
import { program } from '../../cli/main.ts';
import { code, page, table } from './markdown.ts';

function allowedBy({ argChoices, required, mandatory, defaultValue, negate }: Option): string {
  const parts = [
    ...(argChoices ? [argChoices.map(code).join(', ')] : []),
    ...(mandatory ? ['required'] : []),
    ...(required && !negate && defaultValue !== undefined ? [`default ${code(String(defaultValue))}`] : []),
  ];
  return parts.join('; ');
}

/** What `addHelpText` adds below a command's help. */
function textBelow(command: Command): string {
  const written: string[] = [];
  (command as unknown as EventEmitter).emit('afterHelp', {
    error: false,
    command,
    write: (text: string) => written.push(text),
  });
  return written.join('').trim();
}

function section(command: Command, path: string): string[] {
  const full = `${path} ${command.name()}`;
  if (command.commands.length > 0 && command.registeredArguments.length === 0 && command.options.length === 0)
    return [
      `## ${full}`,
      sentence(command.description()),
      command.commands.map((sub) => `- [${full} ${sub.name()}](#${anchor(`${full} ${sub.name()}`)})`).join('\n'),
      ...command.commands.flatMap((sub) => section(sub, full)),
    ];
  const operands = command.registeredArguments.map((one) => `<${one.name()}${one.variadic ? '...' : ''}>`);
  const usage = ['npx', full, ...operands, ...(command.options.length > 0 ? ['[options]'] : [])].join(' ');
  const rows = [
    ...command.registeredArguments.map((one) => [code(`<${one.name()}>`), 'required', one.description]),
    ...command.options.map((one) => [code(one.flags), allowedBy(one), one.description]),
  ];
  const below = textBelow(command);
  return [
    `## ${full}`,
    sentence(command.description()),
    `\`\`\`text\n${usage}\n\`\`\``,
    ...(rows.length > 0 ? [table(['option', 'allowed', 'what'], rows)] : []),
    ...(below === '' ? [] : [`\`\`\`text\n${below}\n\`\`\``]),
    ...command.commands.flatMap((sub) => section(sub, full)),
  ];
}

const anchor = (title: string) => title.replaceAll(' ', '-');
const sentence = (text: string) => `${text[0]!.toUpperCase()}${text.slice(1)}.`.replace(/\.\.$/, '.');

export function cliPage(): string {
  const root = program();
  return page(
    'Command line',
    ['cli/main.ts'],
    [
      'Every command says the same with `--help`.\nExit code 0 is success, 1 a failure with one message, 130 Ctrl-C; where a command has others, its text says so.\n`TIDEMARK_DEBUG=1` shows the stack of an error.',
      ...root.commands.flatMap((command) => section(command, root.name())),
    ],
  );
}
