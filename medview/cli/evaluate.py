"""`medview evaluate MODEL DATA`: a model's figures on labelled data."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medview.cli.output import DONE, print_json, print_lines, progress_for
from medview.core.errors import InvalidInput
from medview.core.progress import CancelToken
from medview.core.words import say

if TYPE_CHECKING:
    from medview.ai.folder import ModelFolder


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's own arguments."""
    parser.add_argument("model", metavar="MODEL", help="a model's name, or its folder (./NAME)")
    parser.add_argument(
        "data",
        type=Path,
        metavar="DATA",
        help="a folder of labelled data, a table (.csv, .csv.gz), or abstracts (.jsonl, .jsonl.gz)",
    )
    parser.add_argument(
        "--split",
        default="",
        help="which part of the data (default dev; of a table: all, or aside of the model's own)",
    )
    parser.add_argument(
        "--pictures", type=Path, metavar="DIR",
        help="also draw the worst cases there (people's images: keep them)",
    )  # fmt: skip


def run(args: argparse.Namespace) -> int:
    """Print the document `medview.evaluate/1`, or its figures as lines."""
    if not args.data.exists():
        raise InvalidInput(say("There is nothing at this path."), str(args.data))
    folder = find_model(args.model)
    judge = {"tabular": _on_table, "text": _on_texts}.get(folder.kind, _on_images)
    document = judge(folder, args)
    if args.json:
        print_json(document)
        return DONE
    print_lines(
        f"{folder.name} {folder.version} on {document['data']} ({document['split']}): "
        f"{document['cases']} cases, {document['patients']} patients, {document['refused']} refused"
    )
    if document["patients"] == 1:
        print_lines("  one patient alone: the intervals say nothing about others")
    if document.get("passed_over"):
        print_lines(f"  {document['passed_over']} rows without an outcome or an input passed over")
    for column, count in document.get("unread", {}).items():
        print_lines(f"  {count} values of {column} not readable, they count as not known")
    for name, figure in document["metrics"].items():
        low, high = figure["interval"]
        print_lines(f"  {name:28} {figure['value']:.3f}  95 % {low:.3f} to {high:.3f}")
    return DONE


def find_model(name: str) -> ModelFolder:
    """A model by its name, or by the path of its folder.

    Raises InvalidInput, ModelUnavailable as `Catalogue.get`: a name alone never means a folder,
    for the one that the user stands in, perhaps a CD, must not lend its models.
    """
    from medview.ai.catalogue import read_catalogue
    from medview.ai.folder import open_folder

    is_there = (Path(name) / "model.json").is_file()
    if is_there and Path(name).name != name:
        return open_folder(Path(name))
    try:
        return read_catalogue().get(name)
    except InvalidInput as error:
        if not is_there:
            raise
        raise InvalidInput(
            error.what, name, say("To use the folder here, write ./{name}.", name=name)
        ) from error


def _on_images(folder: ModelFolder, args: argparse.Namespace) -> dict[str, Any]:
    import torch

    from medview.training.evaluation import Listener, evaluate_model

    torch.set_num_threads(1)
    if not args.data.is_dir():
        raise InvalidInput(say("There is nothing at this path."), str(args.data))
    listener = Listener(progress_for(args), CancelToken())
    return evaluate_model(folder, args.data, args.split or "dev", listener, args.pictures)


def _on_table(folder: ModelFolder, args: argparse.Namespace) -> dict[str, Any]:
    from medview.training.tabular.evaluate import evaluate_table

    return evaluate_table(folder, args.data, args.split)


def _on_texts(folder: ModelFolder, args: argparse.Namespace) -> dict[str, Any]:
    from medview.training.text.evaluate import evaluate_texts

    return evaluate_texts(folder, args.data, args.split or "dev")
