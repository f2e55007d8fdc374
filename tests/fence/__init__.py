"""What an agent may try from inside a cell, and that it comes to nothing."""
