"""The ``ordebug`` command: one module a command group, each thin; heavy imports happen inside the commands."""
