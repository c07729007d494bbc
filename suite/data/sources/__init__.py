"""Where the data sets come from: mirrors, package managers, a folder, installed libraries."""
