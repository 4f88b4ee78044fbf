"""Rule files: read from the program's folder and the reader's, written into the reader's."""

from __future__ import annotations

import os
import re
import tomllib
from contextlib import suppress
from dataclasses import replace
from functools import cache
from pathlib import Path

from medview.core.errors import MedViewError
from medview.core.files import write_whole
from medview.core.paths import resources_dir, user_config_dir
from medview.core.words import Sentence, say
from medview.session.hanging import Rule, RuleNote, Rules, Selector, Stage, TileRule, checked

_MOST_BYTES = 64 * 1024
_MOST_FILES = 300
ENDING = ".toml"


def own_folder() -> Path:
    """Where the reader's rules lie; it need not be there."""
    return user_config_dir() / "hanging"


def load_rules() -> Rules:
    """The reader's rules, then the program's; what makes no sense is named and left out."""
    own, shipped = _rules_in(own_folder(), is_own=True), _shipped()
    taken = {rule.id for rule in own.rules}  # a reader's file stands for ours
    kept = (rule for rule in shipped.rules if rule.id not in taken)
    return Rules(rules=(*own.rules, *kept), notes=own.notes + shipped.notes)


@cache
def _shipped() -> Rules:
    """The program's own; they do not change while it runs."""
    return _rules_in(resources_dir() / "hanging", is_own=False)


def _rules_in(folder: Path, *, is_own: bool) -> Rules:
    rules: list[Rule] = []
    notes: list[RuleNote] = []
    for path in _files_in(folder):
        try:
            rules.append(read_rule(path, is_own=is_own))
        except MedViewError as error:
            notes.append(RuleNote(file=path.name, said=error.what))
    return Rules(rules=tuple(rules), notes=tuple(notes))


def _files_in(folder: Path) -> list[Path]:
    try:
        found = sorted(path for path in folder.iterdir() if path.suffix.lower() == ENDING)
    except OSError:
        return []
    return found[:_MOST_FILES]


def read_rule(path: Path, *, is_own: bool = True) -> Rule:
    """One rule. Raises MedViewError with what is wrong in it."""
    try:
        with path.open("rb") as file:
            data = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise MedViewError(say("the file cannot be read"), detail=str(error.errno)) from error
    if len(data) > _MOST_BYTES:
        raise MedViewError(say("the file is too large for a rule"))
    return checked(_parsed(data), path.name, is_own=is_own)


def _parsed(data: bytes) -> dict[str, object]:
    try:
        return tomllib.loads(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise MedViewError(say("the file is not in UTF-8")) from error
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"line (\d+)", str(error))
        if found is None:
            raise MedViewError(say("the file is not written as TOML")) from error
        raise MedViewError(say("line {line} is not TOML", line=found[1])) from error
    except RecursionError as error:
        raise MedViewError(say("the file is not written as TOML")) from error


def said_of(note: RuleNote) -> Sentence:
    """One sentence on a file that was left out."""
    return say("The hanging rule {file} is left out: {why}.", file=note.file, why=note.said)


def write_rule(rule: Rule, file: str = "") -> Rule:
    """Put a rule into the reader's folder; it is read back before it counts.

    file: the name to write to, "" for a new one made of the rule's name. Raises MedViewError.
    """
    folder = own_folder()
    name = file or _free_name(folder, rule.name)
    text = toml_of(rule)
    again = checked(tomllib.loads(text), name, is_own=True)
    own = replace(rule, id=again.id, file=name, is_own=True)
    if again != own:
        raise MedViewError(say("This arrangement cannot be told in a rule."))
    put_text(name, text)
    return own


def read_text(text: str, file: str) -> Rule:
    """A rule from a text that is to become its file. Raises MedViewError with what is wrong."""
    data = text.encode()
    if len(data) > _MOST_BYTES:
        raise MedViewError(say("the file is too large for a rule"))
    return checked(_parsed(data), file, is_own=True)


def own_text(file: str) -> str | None:
    """What a file of the reader's holds, None where there is none."""
    try:
        return (own_folder() / Path(file).name).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None


def put_text(file: str, text: str | None) -> None:
    """Write a file of the reader's, or take it away with None. Raises MedViewError."""
    folder = own_folder()
    path = folder / Path(file).name
    if text is not None:
        with suppress(OSError):
            folder.mkdir(mode=0o700)
        write_whole(path, text)
        return
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise MedViewError(
            say("The rule could not be deleted."), file, detail=str(error.errno)
        ) from error


def _free_name(folder: Path, title: str) -> str:
    stem = re.sub(r"[^\w]+", "-", title.lower()).strip("-")[:40] or "rule"
    taken = set(os.listdir(folder)) if folder.is_dir() else set()  # noqa: PTH208 - names alone
    names = (f"{stem}{'' if n == 1 else f'-{n}'}{ENDING}" for n in range(1, 10_000))
    return next(name for name in names if name not in taken)


# -- as text --------------------------------------------------------------------------------------


def toml_of(rule: Rule) -> str:
    """A rule as its file has it; `checked` gives the same rule back."""
    fits = rule.fits
    lines = [f"name = {_text(rule.name)}", "", "[fits]"]
    lists = ("modality", "all_modalities", "body_part", "words", "without")
    lines += [f"{w} = {_list(getattr(fits, w))}" for w in lists if getattr(fits, w)]
    lines += [
        f"{w} = {_text(getattr(fits, w))}" for w in ("laterality", "view") if getattr(fits, w)
    ]
    if fits.series != (0, 0):
        lines.append(f"series = [{fits.series[0]}, {fits.series[1]}]")
    if fits.prior != "any":
        lines.append(f"prior = {_text(fits.prior)}")
    for stage in rule.stages:
        lines += _stage_lines(stage)
    return "\n".join(lines) + "\n"


def _stage_lines(stage: Stage) -> list[str]:
    lines = ["", "[[stage]]"]
    if stage.name:
        lines.append(f"name = {_text(stage.name)}")
    lines.append(f"layout = {_text(stage.layout)}")
    for tile in stage.tiles:
        lines += ["", "[[stage.tile]]", *_tile_lines(tile)]
    return lines


def _tile_lines(tile: TileRule) -> list[str]:
    lines = []
    if tile.series is not None:
        lines.append(f"series = {_selector(tile.series)}")
    if tile.plane != "native":
        lines.append(f"plane = {_text(tile.plane)}")
    if isinstance(tile.window, str):
        lines += [f"window = {_text(tile.window)}"] if tile.window else []
    else:
        lines.append(f"window = [{tile.window[0]!r}, {tile.window[1]!r}]")
    lines += ["inverted = true"] if tile.inverted else []
    if tile.projection:
        lines.append(f"projection = {_text(tile.projection)}")
    if tile.thickness_mm:
        lines.append(f"thickness_mm = {tile.thickness_mm!r}")
    if tile.over is not None:
        lines += [f"over = {_selector(tile.over)}", f"blend = {tile.blend!r}"]
    lines += ["optional = true"] if tile.optional else []
    return lines


def _selector(selector: Selector) -> str:
    parts = [f"study = {_text(selector.study)}"]
    lists, words = ("modality", "words", "without"), ("weighting", "contrast", "laterality", "view")
    parts += [f"{w} = {_list(getattr(selector, w))}" for w in lists if getattr(selector, w)]
    parts += [f"{w} = {_text(getattr(selector, w))}" for w in words if getattr(selector, w)]
    if selector.place != 1:
        parts.append(f"place = {selector.place}")
    return "{ " + ", ".join(parts) + " }"


def _list(values: tuple[str, ...]) -> str:
    return "[" + ", ".join(map(_text, values)) + "]"


def _text(value: str) -> str:
    """A basic string of TOML: quotes, backslashes and control characters escaped."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + re.sub(r"[\x00-\x1f\x7f]", lambda m: f"\\u{ord(m[0]):04x}", escaped) + '"'
