"""Evidence from somewhere: the kernel's own answers, processes, and saved socket tables."""
