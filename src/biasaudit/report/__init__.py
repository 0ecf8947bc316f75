"""Stored records of a run -> DataFrame -> Figure -> HTML, Markdown and JUnit; never imports torch or the engine."""
