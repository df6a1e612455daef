"""What ``upright explain`` can tell of beside kinds, a module a word, found by its name.

``explain rule crash-loop`` is ``topics/rule.py``: its ``explained(words)`` returns the text for the words after its own, and
raises WrongUsage for what it does not know.
"""
