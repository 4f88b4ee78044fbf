"""The window's part of recordings: begins and ends one, keeps it, repeats one from a file."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from medview.core.errors import MedViewError, WriteFailed
from medview.core.paths import user_data_dir
from medview.core.words import say, tr
from medview.gui.dialogs.files import ask_file
from medview.gui.scripts.recorder import Recorder
from medview.gui.scripts.replayer import Replayer
from medview.gui.scripts.standing import StandingWork
from medview.session.script import read_script, write_script

if TYPE_CHECKING:
    from medview.gui.window import MainWindow


class ScriptWork:
    """Recording is a switch; a red word in the status bar says that it is on."""

    def __init__(self, window: MainWindow) -> None:
        self._window = window
        StandingWork(window)
        self._recorder: Recorder | None = None
        self.replayer: Replayer | None = None
        self.kept: Path | None = None  # the last recording
        window.actions_.connect("file.record", self._switch)
        window.actions_.connect("file.replay", self._ask)
        window.actions_.connect("models.cancel", self._stop)
        window.status.cancel_asked.connect(self._stop)
        window.status.recording_clicked.connect(
            lambda: window.actions_["file.record"].setChecked(False)
        )
        window.closing.connect(lambda: self._switch(on=False))

    def replay(self, path: Path) -> None:
        """Do a recording again in this window, with what is open in it."""
        try:
            script = read_script(path)
        except MedViewError as error:
            self._window.reactions.say(error.what, "warn", error.where)
            return
        self._stop()
        self.replayer = Replayer(self._window, script)
        self.replayer.finished.connect(self._ended)
        self.replayer.begin()

    def _switch(self, *, on: bool) -> None:
        if on and self._recorder is None:
            self._recorder = Recorder(self._window)
            self._recorder.counted.connect(self._window.status.show_recording)
            self._window.status.show_recording(self._recorder.count)
        elif not on and self._recorder is not None:
            recorder, self._recorder = self._recorder, None
            script = recorder.finish()
            recorder.deleteLater()
            self._window.status.show_recording(None)
            self.kept = _new_path()
            try:
                self.kept.parent.mkdir(mode=0o700, exist_ok=True)
                write_script(script, self.kept)
            except (WriteFailed, OSError):
                self._window.reactions.say(say("The recording could not be written."), "bad")
            else:
                said = say("Recorded {count} {count:step|steps}: {path}", count=len(script.steps),
                           path=self.kept)  # fmt: skip
                self._window.reactions.say(said)

    def _ask(self) -> None:
        folder = str(user_data_dir() / "recordings")
        ask_file(self._window, tr("Repeat a recording…"), folder, "*.json", self.replay)

    def _stop(self) -> None:
        if self.replayer is not None:
            self.replayer.stop()

    def _ended(self) -> None:
        if self.replayer is None:
            return
        results, self.replayer = self.replayer.results, None
        for result in results:
            if not result.is_done:
                said = say("Step {number}, {name}: {reason}", number=result.number,
                           name=result.do, reason=result.reason)  # fmt: skip
                self._window.reactions.say(said, "warn")
        done = sum(result.is_done for result in results)
        self._window.reactions.say(
            say("Repeated {done} of {count} {count:step|steps}.", done=done, count=len(results))
        )


def _new_path() -> Path:
    stem = datetime.now().astimezone().strftime("%Y-%m-%d-%H%M%S")
    return user_data_dir() / "recordings" / f"recording-{stem}.json"
