"""Floor 1: Attractor pipelines: DOT grammar, graph, lint, stylesheet, conditions, routing.

Pure: text in, graphs and decisions out. It never runs a node, opens a file or waits for anything.
"""
