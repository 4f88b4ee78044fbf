"""One module a format: bytes or text in, `Document`s out.

No reader opens another file, follows a link or expands an entity.
"""
