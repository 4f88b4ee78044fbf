"""Grammars and word lists that turn sentences into entities, context and relations.

Every function takes the whole text with a span and gives entities with absolute offsets.
"""
