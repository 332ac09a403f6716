"""The machine and its processes: cores, memory, children, and bounds on foreign code."""
