import { Argument, type Command } from 'commander';
import { type Act, example } from './shared.js';

export function addShellCommands(program: Command, act: Act): void {
  program
    .command('run')
    .passThroughOptions()
    .argument('<env>', 'environment')
    .argument('<command...>', 'program and its arguments, after -- or right away')
    .usage('<env> [--] <command...>')
    .description('run a command in an environment; its exit status is the command’s')
    .addHelpText('after', example('shenv-fs run web -- python -m http.server'))
    .action(act(async () => (await import('../commands/run.js')).run));
  program
    .command('shell')
    .argument('<env>', 'environment')
    .description('start your shell ($SHELL) with an environment active; leaving the shell leaves it')
    .addHelpText('after', example('shenv-fs shell web'))
    .action(act(async () => (await import('../commands/shell.js')).shell));
  program
    .command('completion')
    .addArgument(new Argument('<shell>', 'the shell that completes').choices(['bash', 'zsh', 'fish']))
    .description('print a script that completes commands, options and environments in a shell')
    .addHelpText(
      'after',
      example(
        'source <(shenv-fs completion bash)    # in ~/.bashrc',
        'source <(shenv-fs completion zsh)     # in ~/.zshrc, after compinit',
        'shenv-fs completion fish | source     # in ~/.config/fish/config.fish',
      ),
    )
    .action(
      act(async () => {
        const { completion } = await import('../commands/completion.js');
        return (_, shell: 'bash' | 'zsh' | 'fish') => completion(program, shell);
      }),
    );
}
