"""One module a screen. Screens route intents; they hold no truth of their own."""
