"""Files: written whole or not at all, read without following what others put in their place."""
