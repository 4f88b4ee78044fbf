"""Foreign models into native folders: nnU-Net v2, plain MONAI bundles, ONNX with metadata.

Front door: `imported`, a context manager like `catalogue.staged`. Their JSON is read here, by
closed words; their weights in a confined process; nothing of theirs is run or unpickled.
"""

from medview.ai.importers.door import imported, is_foreign
from medview.ai.importers.wish import Wish

__all__ = ["Wish", "imported", "is_foreign"]
