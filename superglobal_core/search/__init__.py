"""Search: exact nearest neighbours over shards, with the rank of every labelled image."""
