"""`medview models`: list, show, check, add and remove model folders."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from medview.ai.catalogue import Catalogue, install, read_catalogue, remove, staged
from medview.ai.folder import ModelFolder, open_folder
from medview.cli.output import (
    DONE,
    IN_PART,
    WRONG_INPUT,
    actions_of,
    complain,
    print_json,
    print_lines,
)
from medview.core.errors import ModelUnavailable
from medview.core.words import tr

SCHEMA = "medview.models/1"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The actions of the command's contract."""
    action = actions_of(parser)

    action("list", "the models there are")
    action("show", "the card of a model").add_argument("name", metavar="NAME")
    action("check", "check one model or all").add_argument("name", metavar="NAME", nargs="?")
    adding = action("add", "add a model from a folder or a zip archive")
    adding.add_argument("path", type=Path, metavar="PATH")
    action("remove", "remove an added model").add_argument("name", metavar="NAME")


def run(args: argparse.Namespace) -> int:
    """Do the action; 0, 2 for a model that is not sound, 3 when some of several are not."""
    actions = {"list": _list, "show": _show, "check": _check, "add": _add, "remove": _remove}
    return actions[args.action](args)


def _row(model: ModelFolder) -> dict[str, Any]:
    return {
        "name": model.name,
        "version": model.version,
        "kind": model.kind,
        "title": model.title,
        "licence": model.licence,
        "path": str(model.path),
        "signed": model.signed,
        "manifest_sha256": model.manifest_sha256,
    }


def _line(model: ModelFolder) -> str:
    return f"{model.name:18} {model.version:8} {model.kind:15} {model.title} [{model.licence}]"


def _list(args: argparse.Namespace) -> int:
    catalogue = read_catalogue()
    if args.json:
        print_json(
            {
                "schema": SCHEMA,
                "models": [_row(model) for model in catalogue.models],
                "broken": _broken(catalogue),
            }
        )
    else:
        print_lines(*(_line(model) for model in catalogue.models))
    return _complain_of_broken(catalogue)


def _broken(catalogue: Catalogue) -> list[dict[str, str]]:
    return [
        {"path": str(broken.path), "reason": broken.error.sentence()} for broken in catalogue.broken
    ]


def _complain_of_broken(catalogue: Catalogue) -> int:
    for broken in catalogue.broken:
        complain(f"{broken.path.name}: {broken.error.sentence()}", IN_PART)
    return IN_PART if catalogue.broken else DONE


def _figures(model: ModelFolder) -> Any:
    return json.loads((model.path / "eval.json").read_text(encoding="utf-8"))


def _show(args: argparse.Namespace) -> int:
    model = read_catalogue().get(args.name)
    if args.json:
        print_json(
            {
                "schema": SCHEMA,
                "models": [
                    {
                        **_row(model),
                        "description": model.description,
                        "eval": _figures(model),
                        "card": model.card(),
                    }
                ],
            }
        )
    else:
        _print_card(model)
    return DONE


def _print_card(model: ModelFolder) -> None:
    licences = [model.licence, *model.description.get("data_licences", ())]
    print_lines(
        _line(model),
        f"{tr('Licence')}: {'; '.join(licences)}",
        f"{tr('Made for')}: {model.description['intended']['use']}",
        f"{tr('Not for')}: {'; '.join(model.description['intended']['not_for'])}",
        f"MANIFEST.sha256: {model.manifest_sha256}",
        "",
        model.card().rstrip(),
    )


def _check(args: argparse.Namespace) -> int:
    catalogue = read_catalogue()
    models = [catalogue.get(args.name)] if args.name else list(catalogue.models)
    rows, faults = [], 0
    for model in models:
        try:
            _check_weights(model)
            rows.append({**_row(model), "ok": True, "reason": None})
        except ModelUnavailable as error:
            faults += 1
            rows.append({**_row(model), "ok": False, "reason": error.sentence()})
            complain(f"{model.name}: {error.sentence()}", WRONG_INPUT)
    if args.json:
        broken = [] if args.name else _broken(catalogue)
        print_json({"schema": SCHEMA, "models": rows, "broken": broken})
    else:
        print_lines(*(f"{row['name']}: {tr('sound')}" for row in rows if row["ok"]))
    if args.name:
        return WRONG_INPUT if faults else DONE
    return IN_PART if faults or _complain_of_broken(catalogue) else DONE


def _check_weights(model: ModelFolder) -> None:
    """What needs torch: the steps and the tensors against the networks of this version."""
    from medview.ai.worker.check import check_networks
    from medview.ai.worker.pipeline import Pipeline

    open_folder(model.path)
    Pipeline(model)
    check_networks(model)


def _add(args: argparse.Namespace) -> int:
    with staged(args.path) as candidate:
        _check_weights(candidate)
        if not args.json:
            _print_card(candidate)
        model = install(candidate)
    if args.json:
        print_json({"schema": SCHEMA, "models": [_row(model)], "broken": []})
    else:
        print_lines(
            "", tr("Added: {name}, version {version}.", name=model.name, version=model.version)
        )
    return DONE


def _remove(args: argparse.Namespace) -> int:
    path = remove(args.name)
    if args.json:
        print_json({"schema": SCHEMA, "models": [], "removed": str(path)})
    else:
        print_lines(tr("Removed: {name}.", name=args.name))
    return DONE
