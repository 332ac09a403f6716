"""What answers from a compressed text: a model here under a cap, or one behind an endpoint."""
