"""The same in front of any endpoint: messages are compressed and passed on, replies untouched."""
