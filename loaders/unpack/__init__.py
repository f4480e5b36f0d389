"""Files that hold files: archives, and mail with attachments."""
