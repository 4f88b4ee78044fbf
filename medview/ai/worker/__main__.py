"""`python -m medview.ai.worker`: not for people; the client starts it."""

from __future__ import annotations

import sys

from medview.ai.worker.serve import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
