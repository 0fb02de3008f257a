"""The command line: ``gmcourse zoo …`` and ``gmcourse data …``."""

import argparse
import io
import json
import os
import sys
from collections.abc import Sequence
from typing import Any


def _zoo_list(args: argparse.Namespace) -> None:
    from . import zoo

    cards = zoo.cards()
    if args.json:
        print(json.dumps(cards, indent=1))
        return
    sign = {"exact": "", "bound": "<= ", "estimate": "~ "}
    for card in cards:
        values = ", ".join(
            f"{key} {sign[r['kind']]}{r['value']:.4g} {r['unit']}".strip()
            for key, r in card["metrics"].items()
        )
        size = f"{card['parameters']:,} parameters"
        place = "" if card["ships"] else "; fetched when first loaded"
        about = f"{card['title']}, {card['data']['title']}; {size}{place}"
        print(f"{card['name']:22} {about}")
        print(f"{'':22} {values or 'not measured'}")


def _zoo_fetch(args: argparse.Namespace) -> None:
    from . import zoo

    for name in args.names:
        print(f"{name}: {zoo.fetch(name)}")


def _zoo_train(args: argparse.Namespace) -> None:
    from . import zoo

    card = zoo.train(args.name, args.out, seed=args.seed)
    print(f"wrote {args.out}/{args.name}.safetensors and its card")
    print(f"{card['minutes']['cpu']} CPU minutes on {card['device']}")
    print(f"measure it: gmcourse zoo evaluate {args.name} --folder {args.out}")


def _zoo_evaluate(args: argparse.Namespace) -> None:
    from . import zoo

    how: dict[str, Any] = {} if args.folder is None else {"folder": args.folder}
    card = zoo.card(args.name, **how)
    records = zoo.evaluate(args.name, quick=args.quick, **how)
    for key, record in records.items():
        known = card["metrics"].get(key, {})
        known = known.get("quick", {}) if args.quick else known
        beside = f" (card: {known['value']:.4f})" if known else " (not on the card)"
        extra = ", ".join(f"{k} {v}" for k, v in record.items() if k != "value")
        print(f"{key} {record['value']:.4f}{beside}; {extra}")


def _parser() -> argparse.ArgumentParser:
    from . import __version__
    from .data import cli as data_cli

    parser = argparse.ArgumentParser(
        prog="gmcourse", description="Data sets and trained models of the course."
    )
    parser.add_argument("--version", action="version", version=__version__)
    parser.set_defaults(func=lambda args: parser.print_help())
    top = parser.add_subparsers(metavar="zoo | data")
    zoo = top.add_parser("zoo", help="the trained models that ship with the course")
    zoo.set_defaults(func=lambda args: zoo.print_help())
    verbs = zoo.add_subparsers(metavar="list | fetch | train | evaluate")

    verb = verbs.add_parser("list", help="every card")
    verb.add_argument("--json", action="store_true", help="the cards as JSON")
    verb.set_defaults(func=_zoo_list)

    verb = verbs.add_parser("fetch", help="get weights that are not in the package")
    verb.add_argument("names", nargs="+", metavar="NAME")
    verb.set_defaults(func=_zoo_fetch)

    verb = verbs.add_parser("train", help="make a model from its recipe")
    verb.add_argument("name")
    verb.add_argument("--out", default="zoo", help="folder to write to (zoo)")
    verb.add_argument("--seed", type=int, default=0)
    verb.set_defaults(func=_zoo_train)

    verb = verbs.add_parser("evaluate", help="measure a model's weights anew")
    verb.add_argument("name")
    verb.add_argument("--folder", help="where the weights are (those that ship)")
    verb.add_argument("--quick", action="store_true", help="the short version of CI")
    verb.set_defaults(func=_zoo_evaluate)

    data_cli.register(top)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; a user's mistake is one line on stderr and exit status 2."""
    from .data import Damaged, Unavailable

    args = _parser().parse_args(arguments)
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A file or a pipe on Windows has an old encoding: a "?" for what that lacks.
        sys.stdout.reconfigure(errors="replace")
    try:
        return args.func(args) or 0
    except BrokenPipeError:  # the reader of a pipe, `head` say, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (ValueError, OSError, FloatingPointError, Unavailable, Damaged) as error:
        print(f"gmcourse: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
