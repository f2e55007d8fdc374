"""The Messages API twin: a stateless HTTP server that answers by playbook rules.

It validates requests and accounts usage as the API documents it; the anthropic SDK cannot tell it from an endpoint.
It never imports the SDK, and knows nothing of the factory that uses it.
"""
