"""Outputs that game whoever judges them, honest ones beside them, and a factory that is made to build either.

`trees/<group>/<seed>/<name>/` is what an agent leaves in its work tree: `gaming` without a look at any scenario,
`overfit` by somebody who saw the feedback set and not the vault, `honest` from the seed alone.
"""
