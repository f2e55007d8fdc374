"""Floor 2: fenced places in which an agent's commands run: the cell protocol, Docker, process, images.

The only folder that knows Docker. It does not know what a run, a seed or a scenario is.
"""
