"""The command line: parse, call, exit code."""

from biasaudit.cli.entry import app, main

__all__ = ["app", "main"]
