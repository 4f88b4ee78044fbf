"""Timing in pairs: peer and ours in turn, the median of their ratios, and how busy the machine was.

Single figures on a shared machine mean little; a ratio of neighbours in time means more.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Work = Callable[[], object]
Row = dict[str, Any]
_IDLE_SHARE, _PATIENCE_S = 0.8, 4.0
_BUSY = 0.3  # foreign cores


@dataclass(frozen=True, kw_only=True)
class Goal:
    """What a row measures: `ratio` is peer time over ours, or limit over value.

    cpu_goal: what the ratio of CPU seconds must reach where others keep the machine busy (default:
    the goal itself). is_cpu: the goal is one of CPU seconds in the first place. aim: what lies
    beyond the goal.
    """

    name: str
    what: str
    goal: float = 1.0
    cpu_goal: float | None = None
    is_cpu: bool = False
    aim: float | None = None
    peer: str | None = None
    n: int = 1  # the size of the work: pixels, slices, frames


def against_peer(
    goal: Goal, peer: Work, ours: Work, pairs: int = 7, before: Work | None = None
) -> Row:
    """Peer and ours in turn after one untimed round each; `before` is done untimed before ours."""
    peer(), ours()
    rounds = [_pair(peer, ours, before) for _ in range(pairs)]
    ratios = [theirs.wall / mine.wall for theirs, mine, _ in rounds]
    cpu_ratios = [theirs.cpu / max(mine.cpu, 1e-9) for theirs, mine, _ in rounds]
    cpu_ratio = statistics.median(cpu_ratios)
    foreign = statistics.median(each for _, _, each in rounds)
    return _row(goal, statistics.median(ratios), cpu_ratio, foreign) | {
        "cpu_s": [_median(t.cpu for t, _, _ in rounds), _median(m.cpu for _, m, _ in rounds)],
        "wall_s": [_median(t.wall for t, _, _ in rounds), _median(m.wall for _, m, _ in rounds)],
        "pairs": pairs,
        "ratio_min": round(min(ratios), 2),
        "ratio_max": round(max(ratios), 2),
        "cpu_ratio": round(cpu_ratio, 2),
        "foreign_cores": round(foreign, 2),
    }


def against_limit(goal: Goal, limit_ms: float, ours: Work, rounds: int = 9) -> Row:
    """A goal in milliseconds: the ratio is limit over value, so that it holds at 1 and above."""
    ours()
    foreign = busy_cores()
    taken = [_timed(ours) for _ in range(rounds)]
    value = statistics.median(each.wall for each in taken) * 1000
    cpu_ratio = limit_ms / (statistics.median(each.cpu for each in taken) * 1000)
    return _row(goal, limit_ms / value, cpu_ratio, foreign) | {
        "value": round(value, 2),
        "limit": limit_ms,
        "unit": "ms",
        "cpu_s": [None, _median(each.cpu for each in taken)],
        "wall_s": [None, round(value / 1000, 5)],
        "pairs": rounds,
        "ratio_min": round(limit_ms / (max(each.wall for each in taken) * 1000), 2),
        "ratio_max": round(limit_ms / (min(each.wall for each in taken) * 1000), 2),
        "cpu_ratio": round(cpu_ratio, 2),
        "foreign_cores": foreign,
    }


def not_run(goal: Goal, why: str) -> Row:
    """A row that could not be measured here, with the reason; it does not hold."""
    return _row(goal, 0.0, 0.0, 0.0) | {
        "holds": False,
        "decided_by": None,
        "not_run": why,
        "cpu_s": [None, None],
        "wall_s": [None, None],
        "pairs": 0,
        "ratio_min": None,
        "ratio_max": None,
        "cpu_ratio": None,
        "foreign_cores": None,
    }


def main(rows: Mapping[str, Callable[[], Row]], arguments: Sequence[str] | None = None) -> int:
    """Run the rows asked for and print them; 1 when a goal does not hold."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--json", action="store_true", help="a list, one object a row")
    parser.add_argument("--only", metavar="NAME", choices=list(rows), help="one row alone")
    args = parser.parse_args(arguments)
    # As in the window (`gui.collector`), for peers and for us: what the imports made is not looked
    # through again, and nothing is collected in the middle of a work.
    gc.collect()
    gc.freeze()
    gc.disable()
    found = [row() for name, row in rows.items() if args.only in (None, name)]
    if args.json:
        json.dump(found, sys.stdout, indent=1)
        print()
    else:
        for row in found:
            print(_line(row))
    return 0 if all(row["holds"] for row in found) else 1


def _line(row: Row) -> str:
    if "not_run" in row:
        return f"{row['name']:12} not run: {row['not_run']}"
    verdict = "holds" if row["holds"] else "FAILS"
    measured = f"{row['value']} of {row['limit']} {row['unit']}" if "value" in row else ""
    against = f"against {row['peer']}" if row["peer"] else measured
    spread = f"{row['ratio_min']}-{row['ratio_max']}"
    figures = (
        f"{row['ratio']:7.2f} ({spread}) goal {row['goal']} {verdict} (cpu {row['cpu_ratio']})"
    )
    told = f"{row['what']}, {against}, foreign load {row['foreign_cores']} cores"
    return f"{row['name']:12} {figures}  {told}"


@dataclass(frozen=True)
class _Taken:
    wall: float
    cpu: float


def _timed(work: Work) -> _Taken:
    gc.collect()
    # Asking for the children takes milliseconds: outside of what is timed.
    children = _children_s()
    own, start = time.process_time(), time.perf_counter()
    result = work()
    wall, own = time.perf_counter() - start, time.process_time() - own
    taken = _Taken(wall, own + _children_s() - children)
    del result
    return taken


def _cpu_s() -> float:
    """Seconds of this process and of its children."""
    return time.process_time() + _children_s()


def _children_s() -> float:
    """Seconds of children that ended, and of those that live where Linux tells."""
    times = os.times()
    waited = times.children_user + times.children_system
    return waited + sum(map(_seconds_of, _children()))


def _children() -> list[Path]:
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, IndexError):
            if int((folder / "stat").read_text().rpartition(")")[2].split()[1]) == os.getpid():
                found.append(folder)
    return found


def _seconds_of(process: Path) -> float:
    """CPU seconds of all threads of a living process, by the scheduler's nanoseconds."""
    total = 0.0
    for thread in process.glob("task/*/schedstat"):
        with contextlib.suppress(OSError, IndexError):
            total += int(thread.read_text().split()[0]) * 1e-9
    return total


def _pair(peer: Work, ours: Work, prepare: Work | None) -> tuple[_Taken, _Taken, float]:
    if prepare is not None:
        prepare()
    busy_cores()
    before, own, start = _busy_s(), _cpu_s(), time.perf_counter()
    theirs, mine = _timed(peer), _timed(ours)
    passed = max(time.perf_counter() - start, 1e-9)
    foreign = (_busy_s() - before - (_cpu_s() - own)) / passed
    return theirs, mine, max(0.0, round(foreign, 2))


def busy_cores() -> float:
    """Wait some seconds for a quiet machine; gives the cores that others use."""
    cores = os.cpu_count() or 1
    end = time.perf_counter() + _PATIENCE_S
    busy = 0.0
    while time.perf_counter() < end:
        before, start = _busy_s(), time.perf_counter()
        time.sleep(0.25)
        busy = (_busy_s() - before) / (time.perf_counter() - start)
        if busy / cores < 1 - _IDLE_SHARE:
            break
    return round(max(0.0, busy), 2)


def _busy_s() -> float:
    """Seconds that all cores together have worked, by the kernel's count; 0 elsewhere."""
    stat = Path("/proc/stat")
    if not stat.is_file():
        return 0.0
    fields = [int(part) for part in stat.read_text().splitlines()[0].split()[1:]]
    idle = fields[3] + fields[4]
    return (sum(fields[:8]) - idle) / os.sysconf("SC_CLK_TCK")


def _row(goal: Goal, ratio: float, cpu_ratio: float, foreign: float) -> Row:
    # On a busy machine wall time says little: then CPU seconds decide where wall time fails.
    is_busy = foreign > _BUSY
    by_cpu = goal.is_cpu or (is_busy and ratio < goal.goal)
    least = goal.goal if goal.is_cpu or goal.cpu_goal is None else goal.cpu_goal
    row: Row = {
        "name": goal.name,
        "what": goal.what,
        "ratio": round(cpu_ratio if goal.is_cpu else ratio, 2),
        "goal": goal.goal,
        "holds": cpu_ratio >= least if by_cpu else ratio >= goal.goal,
        "decided_by": "cpu" if by_cpu else "wall",
        "peer": goal.peer,
        "n": goal.n,
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, Python "
        f"{platform.python_version()}",
    }
    if goal.cpu_goal is not None:
        row["cpu_goal"] = goal.cpu_goal
    if goal.aim is not None:
        row["aim"] = goal.aim
    return row


def in_units(
    goal: Goal, value: float, limit: float, unit: str, *, cpu: float | None = None,
    foreign: float = 0.0,
) -> Row:  # fmt: skip
    """A row whose goal is a limit in some unit; the ratio is limit over value.

    cpu: the same in CPU time of one thread, which decides while `foreign` cores are busy.
    """
    ratio = limit / max(value, 1e-9)
    cpu_ratio = ratio if cpu is None else limit / max(cpu, 1e-9)
    return _row(goal, ratio, cpu_ratio, foreign) | {
        "value": round(value, 3),
        "limit": limit,
        "unit": unit,
        "cpu_s": [None, None],
        "wall_s": [None, None],
        "pairs": 1,
        "ratio_min": round(ratio, 2),
        "ratio_max": round(ratio, 2),
        "cpu_ratio": round(cpu_ratio, 2),
        "foreign_cores": foreign or busy_cores(),
    }


def _median(values: Any) -> float:
    return round(statistics.median(values), 5)
