"""The entry point of the `kubepki` command: finds the verb, loads it, runs it, and turns failures into exit codes."""

from __future__ import annotations

import argparse
import os
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any, NoReturn, cast

from kubepki import __version__
from kubepki.cli import verbs
from kubepki.cli.failure import BROKEN_PIPE, report
from kubepki.cli.output import printable, refuse_core_dumps
from kubepki.errors import ConfigurationError, EnvironmentFailure, Interrupted, KubepkiError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from _typeshed import SupportsWrite

    from kubepki.cli.verbs import Verb, VerbModule


class _Parser(argparse.ArgumentParser):
    """A parser whose errors are kubepki's, and that takes no abbreviated flags: a script must not break on new ones."""

    def __init__(self, **options: Any) -> None:  # noqa: ANN401 (argparse's own arguments, passed on)
        super().__init__(**options, allow_abbrev=False)

    def _print_message(self, message: str, file: SupportsWrite[str] | None = None) -> None:
        # argparse's own passes over a failing write, and `--help` into a full disk would end with 0.
        (file or sys.stderr).write(message)

    def error(self, message: str) -> NoReturn:
        # The root's parser finds what no parser took: then it is the verb's help that helps.
        program = getattr(self, "verb_prog", self.prog)
        raise ConfigurationError(message, code="cli.usage", hint=f"`{program} --help` shows the usage")


def main(argv: Sequence[str] | None = None) -> int:
    """Run `kubepki` with `argv` (without the program's name; the process's own by default); return the exit code."""
    module: VerbModule | None = None
    given = argparse.Namespace()
    _open_closed_streams()
    if argv is None:
        # The process is ours: no key of it gets into a core file.
        refuse_core_dumps()
    try:
        arguments = list(sys.argv[1:] if argv is None else argv)
        verb, words = _find_verb(arguments)
        module = cast("VerbModule", import_module(verb.module)) if verb else None
        status = _run(arguments, verb, words, module, given)
        sys.stdout.flush()
    except BrokenPipeError:
        _discard_stdout()
        return BROKEN_PIPE
    except KubepkiError as error:
        return _fail(error, getattr(module, "FAILURE_EXIT_CODE", None), vars(given))
    except KeyboardInterrupt:
        return _fail(Interrupted("interrupted: nothing was changed", code="cli.interrupted"))
    except OSError as error:
        return _fail(_input_output_failure(error))
    except Exception as error:
        import traceback

        # Not Python's own exit code 1: a monitoring system would read it as findings.
        print(*map(printable, traceback.format_exc().splitlines()), sep="\n", file=sys.stderr)
        return _fail(
            EnvironmentFailure(
                f"internal error: {type(error).__name__}: {error}",
                code="cli.internal_error",
                hint="this is a defect in kubepki: report it with the traceback above and `kubepki version`",
            )
        )
    return status


def _run(
    arguments: list[str],
    verb: Verb | None,
    words: tuple[str, ...],
    module: VerbModule | None,
    given: argparse.Namespace,
) -> int:
    for argument in arguments:
        if any("\ud800" <= character <= "\udfff" for character in argument):
            raise ConfigurationError(
                f"the argument {argument!r} is not UTF-8 text",
                code="cli.usage",
                hint="rename the file, or set a UTF-8 locale (LC_ALL=C.UTF-8)",
            )
    try:
        parsed = _build_parser(verb, module).parse_args(arguments, given)
    except SystemExit as end:  # --help
        return end.code if isinstance(end.code, int) else 0
    if parsed.version:
        return _print_version(verbose=parsed.verbose)
    if parsed.verbose:
        raise ConfigurationError("--verbose goes with --version", code="cli.usage", hint="kubepki --version --verbose")
    if module is None:
        program = " ".join(("kubepki", *words))
        raise ConfigurationError(
            "a command is missing", code="cli.command_missing", hint=f"`{program} --help` lists the commands"
        )
    return module.run(parsed)


def _print_version(*, verbose: bool) -> int:
    if verbose:
        print(import_module("kubepki.cli.version").build_text())
    else:
        print(f"kubepki {__version__}")
    return 0


def _open_closed_streams() -> None:
    """Put /dev/null in the place of a stream that the caller closed (`>&-`): Python has None there."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123, SIM115 (open for the whole run)


def _find_verb(arguments: Iterable[str]) -> tuple[Verb | None, tuple[str, ...]]:
    """Find the verb that the leading words name, with the words; no verb where they stop early."""
    words: tuple[str, ...] = ()
    for argument in arguments:
        if argument.startswith("-"):
            continue
        candidates = [verb for verb in verbs.VERBS if verb.words[: len(words)] == words]
        words = (*words, argument)
        matching = [verb for verb in candidates if verb.words[: len(words)] == words]
        if not matching:
            raise _unknown_command(words, {verb.words[len(words) - 1] for verb in candidates})
        if matching[0].words == words:
            return matching[0], words
    return None, words


def _unknown_command(words: tuple[str, ...], known: set[str]) -> ConfigurationError:
    from difflib import get_close_matches

    program = " ".join(("kubepki", *words[:-1]))
    listing = f"`{program} --help` lists the commands"
    # The right word in the wrong place (`kubepki renew`) before a word that looks like it.
    meant = [" ".join(("kubepki", *verb.words)) for verb in verbs.VERBS if verb.words[-1] == words[-1]]
    meant = meant or [f"{program} {near}" for near in get_close_matches(words[-1], sorted(known), n=1)]
    listed = " or ".join(f"`{command}`" for command in meant)
    return ConfigurationError(
        f"unknown command {words[-1]!r}",
        code="cli.unknown_command",
        hint=f"did you mean {listed}? {listing}" if meant else listing,
        context={"command": list(words)},
    )


def _build_parser(selected: Verb | None, module: VerbModule | None) -> argparse.ArgumentParser:
    """Build the parser: whole for the selected verb, a name and a summary for the others."""
    root: argparse.ArgumentParser = _Parser(prog="kubepki", description="The certificates of kubeadm clusters.")
    vars(root)["verb_prog"] = " ".join(("kubepki", *(selected.words if selected else ())))
    root.add_argument("--version", action="store_true", help="print the version; with --verbose, the build too")
    root.add_argument("--verbose", action="store_true", help=argparse.SUPPRESS)
    groups: dict[tuple[str, ...], argparse._SubParsersAction[argparse.ArgumentParser]] = {}
    groups[()] = root.add_subparsers(title="commands", metavar="COMMAND")
    for verb in verbs.VERBS:
        for depth in range(1, len(verb.words)):
            path = verb.words[:depth]
            if path not in groups:
                summary = verbs.GROUPS[path]
                group = groups[path[:-1]].add_parser(path[-1], help=summary, description=summary)
                groups[path] = group.add_subparsers(title="commands", metavar="COMMAND")
        if verb is selected and module is not None:
            module.add_parser(groups[verb.words[:-1]])
        else:
            groups[verb.words[:-1]].add_parser(verb.words[-1], help=verb.summary)
    return root


def _input_output_failure(error: OSError) -> EnvironmentFailure:
    reason = error.strerror or str(error)
    if error.filename is None:
        _discard_stdout()
        message, hint = f"cannot write the output: {reason}", "check where stdout goes: the disk may be full"
    else:
        message, hint = f"{os.fspath(error.filename)}: {reason}", "check that the path is right and may be used"
    return EnvironmentFailure(message, code="cli.io_failed", hint=hint, context={"errno": error.errno})


def _fail(error: KubepkiError, exit_code: int | None = None, given: Mapping[str, Any] | None = None) -> int:
    report(error, given)
    return error.exit_code if exit_code is None or isinstance(error, Interrupted) else exit_code


def _discard_stdout() -> None:
    """Send what is still buffered nowhere, so that the interpreter's last flush does not fail again."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
