"""`medview models`: list, show, check, add, import, export, agree to, sign and remove models."""

from __future__ import annotations

import argparse
import json
from contextlib import AbstractContextManager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from medview.ai.catalogue import Catalogue, install, read_catalogue, remove, staged
from medview.ai.consent import agree, may_run
from medview.ai.folder import ModelFolder
from medview.ai.selftest import SelfTest, require_passed, self_test
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
    adding = action("add", "add a model from a folder, an archive (zip, tar) or ONNX")
    adding.add_argument("path", type=Path, metavar="PATH")
    importing = action("import", "make a model folder of nnU-Net v2, a MONAI bundle or ONNX")
    importing.add_argument("path", type=Path, metavar="PATH")
    importing.add_argument("--name", default="", help="of the new model")
    importing.add_argument("--licence", default="", help="of the model, as its maker says")
    importing.add_argument("--modality", default="", choices=["", "CT", "MR", "PT"])
    importing.add_argument("--body-part", default="", metavar="PART", help="as in DICOM: CHEST")
    importing.add_argument("--axes", default="", metavar="LPS", help="where training arrays ran to")
    importing.add_argument("--mirror", action="store_true", help="look at mirrored images too")
    exporting = action("export", "hand a model's network on to other programs")
    exporting.add_argument("name", metavar="NAME")
    exporting.add_argument("--to", required=True, choices=["onnx", "monai"])
    exporting.add_argument("--out", type=Path, required=True, metavar="PATH")
    agreeing = action("agree", "use a model that no known key signed")
    agreeing.add_argument("name", metavar="NAME")
    signing = action("sign", "sign a model folder with a key of your own")
    signing.add_argument("path", type=Path, metavar="PATH")
    signing.add_argument("--key", type=Path, required=True, metavar="FILE")
    signing.add_argument("--new-key", action="store_true", help="make the key first")
    action("remove", "remove an added model").add_argument("name", metavar="NAME")


def run(args: argparse.Namespace) -> int:
    """Do the action; 0, 2 for a model that is not sound, 3 when some of several are not."""
    actions = {
        "list": _list, "show": _show, "check": _check, "add": _add, "import": _import,
        "export": _export,
        "agree": _agree, "sign": _sign, "remove": _remove,
    }  # fmt: skip
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
        "signature": model.signature.state,
        "signer": model.signature.signer or None,
        "may_run": may_run(model),
        "manifest_sha256": model.manifest_sha256,
    }


def _line(model: ModelFolder) -> str:
    line = f"{model.name:18} {model.version:8} {model.kind:15} {model.title} [{model.licence}]"
    return line if model.signed else f"{line} ({model.signature.said})"


def _list(args: argparse.Namespace) -> int:
    catalogue = read_catalogue()
    if args.json:
        print_json(
            {
                "schema": SCHEMA,
                "models": [_row(model) for model in catalogue.all],
                "broken": _broken(catalogue),
            }
        )
    else:
        print_lines(*(_line(model) for model in catalogue.all))
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
    model = read_catalogue().find(args.name)
    if args.json:
        about = {
            "description": model.description,
            "eval": _figures(model),
            "card": model.card(),
        }
        print_json({"schema": SCHEMA, "models": [{**_row(model), **about}]})
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
        f"{tr('Signature')}: {model.signature.said}",
        f"MANIFEST.sha256: {model.manifest_sha256}",
        "",
        *model.card().rstrip().splitlines(),
    )


def _check(args: argparse.Namespace) -> int:
    catalogue = read_catalogue()
    rows, faults = [], 0
    for model in [catalogue.find(args.name)] if args.name else catalogue.all:
        try:
            found = self_test(model, again=True)
            require_passed(found)
            rows.append({**_tested(model, found), "ok": True, "reason": None})
            if not args.json:
                print_lines(f"{model.name}: {tr('sound')}; {found.said}. {model.signature.said}")
        except ModelUnavailable as error:
            faults += 1
            rows.append({**_row(model), "ok": False, "reason": error.sentence()})
            complain(f"{model.name}: {error.sentence()}", WRONG_INPUT)
    if args.json:
        broken = [] if args.name else _broken(catalogue)
        print_json({"schema": SCHEMA, "models": rows, "broken": broken})
    if args.name:
        return WRONG_INPUT if faults else DONE
    return IN_PART if faults or _complain_of_broken(catalogue) else DONE


def _tested(model: ModelFolder, found: SelfTest) -> dict[str, Any]:
    return {**_row(model), "selftest": asdict(found)}


def _add(args: argparse.Namespace) -> int:
    from medview.ai.importers import Wish, imported, is_foreign

    if is_foreign(args.path):  # as the window does
        return _install(args, imported(args.path, Wish()))
    return _install(args, staged(args.path))


def _import(args: argparse.Namespace) -> int:
    from medview.ai.importers import Wish, imported

    words = (args.name, args.licence, args.modality, args.body_part.upper(), args.axes.upper())
    wish = Wish(*words, mirror=args.mirror)
    return _install(args, imported(args.path, wish))


def _install(args: argparse.Namespace, entering: AbstractContextManager[ModelFolder]) -> int:
    with entering as candidate:
        if not args.json:
            _print_card(candidate)
        found = self_test(candidate)
        require_passed(found)
        model = install(candidate)
    _report_added(args, model, found)
    return DONE


def _export(args: argparse.Namespace) -> int:
    from medview.ai.exporting import export_model
    from medview.core.progress import CancelToken

    model = read_catalogue().find(args.name)
    path = export_model(model, args.to, args.out, CancelToken())
    if args.json:
        print_json({"schema": SCHEMA, "models": [_row(model)], "path": str(path)})
    else:
        print_lines(tr("Written: {path}", path=path))
    return DONE


def _report_added(args: argparse.Namespace, model: ModelFolder, found: SelfTest) -> None:
    if args.json:
        print_json({"schema": SCHEMA, "models": [_tested(model, found)], "broken": []})
        return
    print_lines("", f"{tr('Self-test')}: {found.said}.", str(model.signature.said))
    if not model.signed:
        print_lines(tr("By adding it you agree to use it; its results say that it is not signed."))
    print_lines(tr("Added: {name}, version {version}.", name=model.name, version=model.version))


def _agree(args: argparse.Namespace) -> int:
    model = read_catalogue().find(args.name)
    agree(model)
    if args.json:
        print_json({"schema": SCHEMA, "models": [_row(model)], "broken": []})
    else:
        print_lines(tr("MedView may use {name} now, exactly as it is.", name=model.name))
    return DONE


def _sign(args: argparse.Namespace) -> int:
    from medview.ai.folder import open_folder
    from medview.ai.signature import make_key, sign

    open_folder(args.path)
    if args.new_key:
        make_key(args.key)
    public = sign(args.path, args.key)
    if args.json:
        print_json({"schema": SCHEMA, "models": [_row(open_folder(args.path))], "key": public})
    else:
        print_lines(tr("Signed. The public key is {key}.", key=public))
    return DONE


def _remove(args: argparse.Namespace) -> int:
    path = remove(args.name)
    if args.json:
        print_json({"schema": SCHEMA, "models": [], "removed": str(path)})
    else:
        print_lines(tr("Removed: {name}.", name=args.name))
    return DONE
