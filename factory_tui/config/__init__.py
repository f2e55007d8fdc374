"""What people write: config.toml, seeds and the workspace's folders, read, validated and pointed at by line.

Every mistake is a Problem that names file, line, key and remedy. It does not know what the settings are used for.
"""
