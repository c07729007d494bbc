"""The calls behind the commands and the Python interface. Nothing here parses options, prints, or ends the process."""
