"""Floor 2: behavioural clones of services. The Messages API twin lives here, and what stands in front of hosted ones.

A twin speaks its service's public protocol over loopback and knows nothing of the factory that uses it.
"""
