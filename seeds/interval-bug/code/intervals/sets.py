"""What can be done with intervals: pairs of start and end, in any order, overlapping or not."""


def merge(intervals):
    """The same numbers in as few intervals as possible, in order."""
    merged = []
    for start, end in sorted(intervals):
        if start == end:
            continue
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], end)
        else:
            merged.append((start, end))
    return merged


def intersect(left, right):
    """The numbers that are in both, merged."""
    left, right = merge(left), merge(right)
    found = []
    i = j = 0
    while i < len(left) and j < len(right):
        start, end = max(left[i][0], right[j][0]), min(left[i][1], right[j][1])
        if start <= end:
            found.append((start, end))
        if left[i][1] < right[j][1]:
            i += 1
        else:
            j += 1
    return found


def covered(intervals):
    """How many numbers there are in all."""
    return sum(end - start for start, end in merge(intervals))
