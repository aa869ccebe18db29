"""Networks: the backbone, the pooling modules, the global descriptor, and checkpoints."""
