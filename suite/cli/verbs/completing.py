"""The verb that teaches a shell to complete commands."""

from argparse import Namespace


def completion(args: Namespace) -> int:
    """Print the script by which a shell completes verbs, options, experiments, fields, data sets and runs.

    source <(python -m suite completion bash)
    python -m suite completion zsh > ~/.zfunc/_suite
    python -m suite completion fish > ~/.config/fish/completions/suite.fish
    """
    from suite.cli.completion import script
    from suite.cli.parser import parser_of

    print(script(args.shell, parser_of("suite")))
    return 0
