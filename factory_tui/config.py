"""config.toml -> validated settings, with a message that names file, line, key and remedy for every mistake."""
