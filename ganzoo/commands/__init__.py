"""What the command line does, once `ganzoo.run` has read it.

command_flags  the flags, and what --help says about them
session        the modes that work on a run: a method each
describing     --describe
inspection     --dry_run
checking       --check
template       --new_plugin, from `templates/`
"""
