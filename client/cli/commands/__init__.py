"""The commands: a module is a command, a package a command with others below it.

``api_resources.py`` is ``upright api-resources`` and ``alpha/tiltfile_result.py`` is ``upright alpha tiltfile-result``.
Nothing lists them: the first line of a module's docstring is what the help of all says, ``command()`` what its own help
says, and ``run(arguments)`` does it and returns the exit code. A package without ``run`` has only what is below it.
"""
