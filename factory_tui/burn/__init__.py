"""What was burned, reckoned from the journal's facts: by time and by what it was for, where it leads, what it bought.

Pure: no I/O, no clock, no screen. `book` folds events, in order, whoever reads them; the other modules say what one
figure is. Money is exact, and the two ledgers are never added together. docs/burn.md has every formula.
"""
