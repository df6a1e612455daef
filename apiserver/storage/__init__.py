"""Keeps objects and what happened to them: keys, bodies and revisions, nothing of kinds.

``store.Store`` is the front door; ``records`` has the words it speaks.
"""
