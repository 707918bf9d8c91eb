"""From request to ready to ended: asking, quoting, building, ending, and the desk that sees it.

Import what you need from the story's own module; see `desk` for what the pages show.
"""
