"""Statistics: functions from numbers to numbers that read and write no files."""
