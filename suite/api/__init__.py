"""What a command or a notebook asks for. Nothing here parses words, prints, or ends the process."""
