"""Files on the disk: run folders, their documents, SQLite files, committed references."""
