"""`python -m medview.cli` is `medview`."""

from medview.cli.main import entry

entry()
