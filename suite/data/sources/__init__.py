"""The sources of the data sets: mirrors, package managers, a folder, installed libraries."""
