"""Journals as versions before wrote them: a folder a version, named by its tables' version and that of its facts."""
