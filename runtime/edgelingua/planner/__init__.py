"""What compressing costs and saves on this device, and what to choose for it."""
