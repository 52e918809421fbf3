"""The commands: each file builds the parts that its command needs, and owns its exit codes."""
