"""Floor 2: behavioural clones of services. The Messages API twin lives here.

A twin speaks its service's public protocol over loopback and knows nothing of the factory that uses it.
"""
