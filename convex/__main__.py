"""``python -m convex`` is ``convex``."""

from convex.cli import main

main()
